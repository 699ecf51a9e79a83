-- Publishes the cached keys of one scope, unless there is a newer version. Stores the list of these
-- keys, because each may be evicted alone, and an empty one never exists.
--
-- KEYS  1 version of the scope (hash)  2 fold for starting aggregators  3 ... sorted sets and
--       hashes to replace
-- ARGV  1 identity of store, catalogue and gazetteer  2 catalogue version  3 position
--       4 hash over the records through there  5 time to live in milliseconds
--       6 ... for each key to replace: 'zset' or 'hash', its count of pairs, and the pairs
local held = redis.call('HMGET', KEYS[1], 'identity', 'catalogue_version', 'position')
if held[1] then
  if tonumber(held[2]) > tonumber(ARGV[2]) then
    return 0
  end
  if held[1] == ARGV[1] and tonumber(held[3]) > tonumber(ARGV[3]) then
    return 0
  end
end
local commands = {zset = 'ZADD', hash = 'HSET'}
local at = 6
local keys = {}
if redis.call('EXISTS', KEYS[2]) == 1 then
  keys[1] = KEYS[2]
end
for key = 3, #KEYS do
  local command, last = commands[ARGV[at]], at + 1 + 2 * ARGV[at + 1]
  redis.call('DEL', KEYS[key])
  for first = at + 2, last, 1000 do
    redis.call(command, KEYS[key], unpack(ARGV, first, math.min(first + 999, last)))
  end
  if redis.call('PEXPIRE', KEYS[key], ARGV[5]) == 1 then
    keys[#keys + 1] = KEYS[key]
  end
  at = last + 1
end
redis.call('HSET', KEYS[1],
  'identity', ARGV[1], 'catalogue_version', ARGV[2], 'position', ARGV[3], 'tip', ARGV[4],
  'keys', table.concat(keys, '\n'))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
