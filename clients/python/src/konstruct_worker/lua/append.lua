-- Appends chunks to the log of an attempt and publishes them in one step. A chunk's position in the list is its seq.
-- KEYS[1] turn  [2] log of this attempt
-- ARGV[1] attempt  [2] claim id  [3] seq of the first chunk  [4] response channel  [5] seconds to keep  [6] maximum bytes of an answer
-- [7…] payloads
-- Result: the last seq in the log; -1 fenced; -2 the log was lost; -3 the turn has ended; -4 the answer is too long
-- Races: the caller repeats the call after an unknown outcome. Chunks that are in the log are neither appended nor published again. A Redis that
-- returned with older data may have given the same attempt to a second worker. Only the claim that opened it appends.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'end', 'bytes', 'claim')
if turn[1] ~= ARGV[1] then return -1 end
if turn[2] then return -3 end
if turn[4] ~= ARGV[2] then return -1 end
local first = tonumber(ARGV[3])
local length = redis.call('LLEN', KEYS[2])
if length < first - 1 then return -2 end
local bytes = tonumber(turn[3] or '0') or 0
local result = 0
for i = 7, #ARGV do
  if first + i - 7 > length then
    if bytes + #ARGV[i] > tonumber(ARGV[6]) then
      result = -4 -- Earlier chunks stay and are counted below.
      break
    end
    bytes = bytes + #ARGV[i]
    length = redis.call('RPUSH', KEYS[2], ARGV[i])
    redis.call('PUBLISH', ARGV[4], ARGV[i])
  end
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'bytes', string.format('%d', bytes), 'at', now[1], 'seq', string.format('%d', length))
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
if result < 0 then return result end
return length
