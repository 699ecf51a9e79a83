-- Stores a fold for starting aggregators, unless there is a later one of the same store.
--
-- KEYS  1 snapshot (hash)
-- ARGV  1 generation of the store  2 records folded  3 hash over them  4 receipt time of the last
--       5 the fold  6 time to live in milliseconds
local held = redis.call('HMGET', KEYS[1], 'generation', 'record_count', 'tip')
if held[1] == ARGV[1] and tonumber(held[2]) > tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'record_count', ARGV[2], 'tip', ARGV[3],
  'receipt', ARGV[4], 'fold', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
