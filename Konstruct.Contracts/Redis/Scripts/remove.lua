-- Removes entries in any state: the turn is persisted (acknowledge), or the worker gives the entry back.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1…] entries
-- Result: 1
for i = 1, #ARGV do
  redis.call('ZREM', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('ZREM', KEYS[3], ARGV[i])
  redis.call('ZREM', KEYS[4], ARGV[i])
end
return 1
