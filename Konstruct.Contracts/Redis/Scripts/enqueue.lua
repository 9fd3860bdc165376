-- Queues one attempt of a turn and wakes the workers, unless the client has already cancelled the message.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered  [5] cancel mark of the message; optional
-- ARGV[1] entry  [2] task payload  [3] wake channel  [4] response channel  [5] announcement for the response channel; empty: none
-- Result: 1 queued; 0 already waiting, leased or answered; -1 cancelled, not queued
-- Races: a call repeated after an unknown outcome does not queue the entry twice, even if a worker has claimed it. A cancel may arrive while its
-- message is being accepted: the canceller sets the mark, then looks for the turn; the turn is committed before this call. So one finds the other.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZSCORE', KEYS[3], ARGV[1]) or redis.call('ZSCORE', KEYS[4], ARGV[1]) then
  return 0
end
if KEYS[5] and redis.call('EXISTS', KEYS[5]) == 1 then return -1 end
local now = redis.call('TIME')
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], string.format('%d', now[1] * 1000000 + now[2]), ARGV[1])
if ARGV[5] ~= '' then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
redis.call('PUBLISH', ARGV[3], '')
return 1
