-- Finishes a turn for the worker that holds its attempt.
-- KEYS[1] turn  [2] log of this attempt
-- ARGV[1] attempt  [2] seq of this last entry  [3] response channel  [4] seconds to keep  [5] outcome  [6] payload
-- Result: 1 finished, by this call or an earlier identical one; -1 fenced; -2 the log was lost; -3 a gateway or another attempt ended it
-- Race: cancel and finish at the same time. The first script wins, and the other gets a result that says so.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'end', 'by')
if turn[2] then
  if turn[3] == ARGV[1] then return 1 end
  return -3
end
if turn[1] ~= ARGV[1] then return -1 end
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) - 1 then return -2 end
redis.call('RPUSH', KEYS[2], ARGV[6])
redis.call('HSET', KEYS[1], 'end', ARGV[5], 'by', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
redis.call('PUBLISH', ARGV[3], ARGV[6])
return 1
