-- Returns the sequence of a log and renews its lease, if the session still owns it.
--
-- KEYS  1 cursor (hash)
-- ARGV  1 session  2 lease span in milliseconds
local held = redis.call('HMGET', KEYS[1], 'session', 'sequence', 'log', 'damaged')
if held[1] ~= ARGV[1] or held[4] == held[3] then
  return false
end
local time = redis.call('TIME')
local lease = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
redis.call('HSET', KEYS[1], 'lease', string.format('%.0f', lease))
return held[2]
