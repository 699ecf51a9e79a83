-- Writes as an admission does, and takes it back: whether the server takes writes.
--
-- KEYS  1 probe (stream, gone again when the script ends)
redis.call('XADD', KEYS[1], '*', 'probe', '')
redis.call('UNLINK', KEYS[1])
return 1
