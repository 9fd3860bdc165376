-- Puts one attempt of a turn into the queue and wakes the workers, unless its client has cancelled the message already.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered  [5] the mark of a message that was cancelled before it was accepted; may be missing
-- ARGV[1] entry  [2] task payload  [3] wake channel  [4] response channel  [5] what to announce there first; empty: nothing
-- Result: 1 queued; 0 it is already waiting, held or answered; -1 cancelled, and not queued
-- Races: repeated after an unknown outcome, perhaps when a worker has already taken the entry: it is not queued twice. A cancel that comes while its
-- message is being accepted: whoever cancels sets the mark and then looks for the turn, which is committed before it comes here; one of the two finds the other.
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
