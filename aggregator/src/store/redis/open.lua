-- Gives a reporter's log to a session, if no other host holds the lease and the cursor has not
-- changed since the decision.
--
-- KEYS  1 cursor (hash)
-- ARGV  1 host of the collector  2 lease span in milliseconds  3 session and 4 record count of the
--       cursor that the decision used, both empty if there was no cursor
--       5 ... fields of the new cursor and their values; none if only the lease is to be checked
local function digits(number)
  return string.format('%.0f', number)
end

local held = redis.call('HMGET', KEYS[1], 'session', 'record_count', 'host', 'lease')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if held[3] and held[3] ~= ARGV[1] and now < tonumber(held[4]) then
  return {'owned', held[3]}
elseif (held[1] or '') ~= ARGV[3] or (held[2] or '') ~= ARGV[4] then
  return {'changed'}
elseif #ARGV > 4 then
  redis.call('HSET', KEYS[1], 'lease', digits(now + ARGV[2]), unpack(ARGV, 5))
end
return {'opened'}
