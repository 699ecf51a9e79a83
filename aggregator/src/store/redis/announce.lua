-- Stores an aggregator's announcement, and returns the recent announcements of all. Older ones are
-- deleted, by the server's clock.
--
-- KEYS  1 replicas (hash)
-- ARGV  1 id of the aggregator  2 time to keep announcements, in milliseconds  3 its announcement
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now) .. ' ' .. ARGV[3])
local all = redis.call('HGETALL', KEYS[1])
local said = {}
for at = 1, #all, 2 do
  local space = string.find(all[at + 1], ' ', 1, true)
  if tonumber(string.sub(all[at + 1], 1, space - 1)) < now - ARGV[2] then
    redis.call('HDEL', KEYS[1], all[at])
  else
    said[#said + 1] = string.sub(all[at + 1], space + 1)
  end
end
return said
