-- Moves a lease to answered: the answer is in the log, some gateway has yet to persist it.
-- KEYS[1] leases  [2] answered
-- ARGV[1] entry
-- Result: 1 moved; 0 there was no lease
-- Race: a gateway may have heard the end, persisted it and settled the entry before this call: then there is nothing left to do.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
local now = redis.call('TIME')
redis.call('ZADD', KEYS[2], string.format('%d', now[1] * 1000 + math.floor(now[2] / 1000)), ARGV[1])
return 1
