-- Opens an attempt of a turn: raises the fence, so that earlier attempts can no longer write.
-- KEYS[1] turn
-- ARGV[1] attempt  [2] claim id  [3] response channel  [4] seconds to keep  [5] reset payload  [6] trace context of the turn, may be empty
-- Result: 1 open; -1 a later attempt, or another claim of this one, is open; -3 the turn has ended
-- Race: a worker that repeats the call after an unknown outcome has the same claim id and
-- succeeds. A second worker with a copy of the entry does not.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'claim', 'end')
if turn[3] then return -3 end
local attempt = tonumber(ARGV[1])
local open = tonumber(turn[1] or '0') or 0
if open > attempt or (open == attempt and turn[2] ~= ARGV[2]) then return -1 end
if open < attempt then
  redis.call('HSET', KEYS[1], 'attempt', ARGV[1], 'claim', ARGV[2], 'seq', '0', 'bytes', '0', 'trace', ARGV[6])
  if attempt > 1 then redis.call('PUBLISH', ARGV[3], ARGV[5]) end
end
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
