-- Finishes a turn for the worker that holds its attempt.
-- KEYS[1] turn  [2] log of this attempt
-- ARGV[1] attempt  [2] claim id  [3] seq of this last entry  [4] response channel  [5] seconds to keep  [6] outcome  [7] payload
-- Result: 1 finished, by this call or an earlier identical one; -1 fenced; -2 the log was lost; -3 a gateway, another attempt or another claim
-- ended it
-- Races: cancel and finish at the same time. The first script wins, and the other gets a result that says so. A Redis that returned with older
-- data may have given the same attempt to a second worker. Only the claim that opened it finishes.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'end', 'by', 'claim')
if turn[2] then
  if turn[3] == ARGV[1] and turn[4] == ARGV[2] then return 1 end
  return -3
end
if turn[1] ~= ARGV[1] or turn[4] ~= ARGV[2] then return -1 end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[3]) - 1 then return -2 end
redis.call('RPUSH', KEYS[2], ARGV[7])
redis.call('HSET', KEYS[1], 'end', ARGV[6], 'by', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
redis.call('PUBLISH', ARGV[4], ARGV[7])
return 1
