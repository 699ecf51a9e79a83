-- Publishes what is cached of one scope, unless something newer or as new is there.
--
-- KEYS  1 what is cached (hash)  2 ... sorted sets and hashes to replace
-- ARGV  1 identity of store, catalogue and gazetteer  2 catalogue version  3 position
--       4 hash over the records through there  5 time to live in milliseconds
--       6 ... for each key to replace: 'zset' or 'hash', its count of pairs, and the pairs
local held = redis.call('HMGET', KEYS[1], 'identity', 'catalogue_version', 'position', 'tip')
if held[1] then
  if tonumber(held[2]) > tonumber(ARGV[2]) then
    return 0
  end
  local there, here = tonumber(held[3]), tonumber(ARGV[3])
  if held[1] == ARGV[1] and (there > here or (there == here and held[4] == ARGV[4])) then
    return 0
  end
end
local commands = {zset = 'ZADD', hash = 'HSET'}
local at = 6
for key = 2, #KEYS do
  local command, last = commands[ARGV[at]], at + 1 + 2 * ARGV[at + 1]
  redis.call('DEL', KEYS[key])
  for first = at + 2, last, 1000 do
    redis.call(command, KEYS[key], unpack(ARGV, first, math.min(first + 999, last)))
  end
  redis.call('PEXPIRE', KEYS[key], ARGV[5])
  at = last + 1
end
redis.call('HSET', KEYS[1],
  'identity', ARGV[1], 'catalogue_version', ARGV[2], 'position', ARGV[3], 'tip', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
