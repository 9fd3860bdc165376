-- Tries the commands that the other scripts run on a conversation, with one that does not exist.
-- KEYS[1] turn  [2] log
-- ARGV[1] response channel  [2] wake channel  [3] stop channel
-- Result: 1
-- Race: none. The ids are new for each call, and the keys expire after a second.
redis.call('HSET', KEYS[1], 'attempt', '0')
redis.call('HMGET', KEYS[1], 'attempt', 'end')
redis.call('RPUSH', KEYS[2], '')
redis.call('LLEN', KEYS[2])
redis.call('EXPIRE', KEYS[1], 1)
redis.call('EXPIRE', KEYS[2], 1)
redis.call('PUBLISH', ARGV[1], '')
redis.call('PUBLISH', ARGV[2], '')
redis.call('PUBLISH', ARGV[3], '')
redis.call('TIME')
return 1
