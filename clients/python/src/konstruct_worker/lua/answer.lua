-- Moves an entry from its lease to answered: the end is in the log, and a gateway must persist it.
-- KEYS[1] leases  [2] answered
-- ARGV[1] entry
-- Result: 1 moved; 0 there was no lease
-- Race: a gateway may have persisted the turn and acknowledged the entry before this call. Then there is nothing to do.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[2], string.format('%d', now[1] * 1000 + math.floor(now[2] / 1000)), ARGV[1])
return 1
