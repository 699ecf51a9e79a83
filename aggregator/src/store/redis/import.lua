-- Sets a reporter's cursor and appends records that another store has admitted.
--
-- KEYS  1 cursor (hash)  2 log (stream)
-- ARGV  1 count of the cursor's fields and values  2 ... these, then number, receipt, chain behind
--       it and record, for each record
local fields = tonumber(ARGV[1])
local tip = redis.call('HGET', KEYS[1], 'tip') or ''
for at = fields + 2, #ARGV, 4 do
  local number, receipt, chain = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local previous = tip
  tip = redis.sha1hex(previous .. receipt .. chain)
  redis.call('XADD', KEYS[2], number .. '-0',
    'receipt', receipt, 'previous', previous, 'tip', tip, 'record', ARGV[at + 3])
end
redis.call('HSET', KEYS[1], 'lease', '0', 'tip', tip, unpack(ARGV, 2, fields + 1))
return 1
