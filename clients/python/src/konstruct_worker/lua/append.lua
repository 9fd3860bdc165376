-- Appends chunks to the log of an attempt and publishes them in one step. A chunk's position in the list is its seq.
-- KEYS[1] turn  [2] log of this attempt
-- ARGV[1] attempt  [2] seq of the first chunk  [3] response channel  [4] seconds to keep  [5] maximum bytes of an answer  [6…] payloads
-- Result: the last seq in the log; -1 fenced; -2 the log was lost; -3 the turn has ended; -4 the answer is too long
-- Race: the caller repeats the call after an unknown outcome. Chunks that are in the log are neither appended nor published again.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'end', 'bytes')
if turn[1] ~= ARGV[1] then return -1 end
if turn[2] then return -3 end
local first = tonumber(ARGV[2])
local length = redis.call('LLEN', KEYS[2])
if length < first - 1 then return -2 end
local bytes = tonumber(turn[3] or '0') or 0
local result = 0
for i = 6, #ARGV do
  if first + i - 6 > length then
    if bytes + #ARGV[i] > tonumber(ARGV[5]) then
      result = -4 -- Earlier chunks stay and are counted below.
      break
    end
    bytes = bytes + #ARGV[i]
    length = redis.call('RPUSH', KEYS[2], ARGV[i])
    redis.call('PUBLISH', ARGV[3], ARGV[i])
  end
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'bytes', string.format('%d', bytes), 'at', now[1], 'seq', string.format('%d', length))
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
if result < 0 then return result end
return length
