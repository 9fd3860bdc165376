-- Puts one attempt of a turn into the queue and wakes the workers.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1] entry  [2] task payload  [3] wake channel  [4] response channel  [5] what to announce there first; empty: nothing
-- Result: 1 queued; 0 it is already waiting, held or answered
-- Race: repeated after an unknown outcome, perhaps when a worker has already taken the entry: it is not queued twice.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZSCORE', KEYS[3], ARGV[1]) or redis.call('ZSCORE', KEYS[4], ARGV[1]) then
  return 0
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], string.format('%d', now[1] * 1000000 + now[2]), ARGV[1])
if ARGV[5] ~= '' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
redis.call('PUBLISH', ARGV[3], '')
return 1
