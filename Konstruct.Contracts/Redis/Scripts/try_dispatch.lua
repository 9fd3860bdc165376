-- Tries what the other scripts do with the dispatch queue.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1] an entry that is nobody's
-- Result: 1
-- Race: none: the entry is in and out within this step, and no other script sees it.
redis.call('HSET', KEYS[2], ARGV[1], '')
redis.call('HGET', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
for i = 1, 4 do
  if i ~= 2 then
    redis.call('ZADD', KEYS[i], '0', ARGV[1])
    redis.call('ZSCORE', KEYS[i], ARGV[1])
    redis.call('ZREM', KEYS[i], ARGV[1])
    redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')
    redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', '0', 'LIMIT', 0, 1)
    redis.call('ZCARD', KEYS[i])
  end
end
return 1
