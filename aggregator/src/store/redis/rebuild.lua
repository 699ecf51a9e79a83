-- Replaces a lost or damaged cursor, unless cursor or log have changed since the decision.
--
-- KEYS  1 cursor (hash)  2 log (stream)
-- ARGV  1 id of the log's last entry, empty if there is none  2 hash over the log
--       3 count of fields and values that the cursor had, then these
--       ... then the fields of the new cursor and their values
local count = tonumber(ARGV[3])
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' or kind == 'none' then
  if redis.call('HLEN', KEYS[1]) ~= count / 2 then
    return 0
  end
  for at = 4, count + 3, 2 do
    if redis.call('HGET', KEYS[1], ARGV[at]) ~= ARGV[at + 1] then
      return 0
    end
  end
end
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
if (last and last[1] or '') ~= ARGV[1] then
  return 0
end
redis.call('UNLINK', KEYS[1])
redis.call('HSET', KEYS[1], 'lease', '0', 'tip', ARGV[2], unpack(ARGV, count + 4))
return 1
