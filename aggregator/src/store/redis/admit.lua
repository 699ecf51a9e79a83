-- Admits one batch: applies the rule of admission.rs and stores the result, in one atomic step.
--
-- KEYS  1 cursor (hash)  2 log (stream)
-- ARGV  1 session  2 log id  3 sequence  4 chain before the batch  5 chain behind it
--       6 when the batch was received, in microseconds  7 lease span in milliseconds  8 record
--
-- The record's number is its id in the stream. Numbers stay below 2^53, which Lua holds exactly, but
-- tostring() would round them to 14 digits.
local function digits(number)
  return string.format('%.0f', number)
end

local held = redis.call('HMGET', KEYS[1],
  'session', 'log', 'sequence', 'chain', 'record_count', 'receipt', 'tip', 'damaged')
local session, log, sequence, chain = held[1], held[2], tonumber(held[3]), held[4]
if session ~= ARGV[1] then
  return {'fenced'}
end
local time = redis.call('TIME')
local lease = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[7]
redis.call('HSET', KEYS[1], 'lease', digits(lease))

local offered = tonumber(ARGV[3])
if log ~= ARGV[2] then
  return {'replaced'}
elseif held[8] == log then
  return {'damaged'}
elseif offered <= sequence then
  return {'duplicate'}
elseif offered ~= sequence + 1 then
  return {'gap', digits(sequence + 1)}
elseif chain ~= ARGV[4] then
  return {'broken'}
end

local number = digits(tonumber(held[5]) + 1)
local receipt = digits(math.max(tonumber(ARGV[6]), (tonumber(held[6]) or -1) + 1))
local tip = redis.sha1hex(held[7] .. receipt .. ARGV[5])
redis.call('XADD', KEYS[2], number .. '-0',
  'receipt', receipt, 'previous', held[7], 'tip', tip, 'record', ARGV[8])
redis.call('HSET', KEYS[1],
  'sequence', ARGV[3], 'chain', ARGV[5], 'record_count', number, 'receipt', receipt, 'tip', tip)
return {'append'}
