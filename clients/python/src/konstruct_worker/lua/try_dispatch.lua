-- Tries the commands that the other scripts run on the dispatch queue.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1] an entry of no turn
-- Result: 1
-- Race: none. The entry is added and removed in this step, so no other script sees it.
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
