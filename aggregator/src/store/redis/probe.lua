-- Tests whether the server takes writes: writes as an admission does, and deletes it again.
--
-- KEYS  1 probe (stream, gone again when the script ends)
redis.call('XADD', KEYS[1], '*', 'probe', '')
redis.call('UNLINK', KEYS[1])
return 1
