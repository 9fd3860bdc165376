-- hear
-- Appends what a gateway heard from a legacy orchestrator to the log of a turn and publishes it, if this gateway has the listening lease. Renews
-- the lease and the turn's place. Without payloads it only does that.
-- KEYS[1] turn  [2] log of this attempt  [3] listening lease  [4] the conversation's place; optional
-- ARGV[1] attempt  [2] gateway  [3] milliseconds of the lease  [4] milliseconds of the place  [5] turn id  [6] seq of the first payload
-- [7] response channel  [8] seconds to keep  [9] maximum bytes of an answer  [10…] payloads without their seq
-- Result: {1, last seq in the log}; {-1, last seq in the log} another gateway listens; {-2, open attempt} the log was lost, or another attempt is open;
-- {-3, 0} the turn has ended; {-4, last seq} the answer is too long
-- Races: the caller repeats the call after an unknown outcome; payloads whose seq is in the log are neither appended nor published again. A gateway
-- that was suspended past its lease must not write beside the one that took over.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'end', 'bytes')
if turn[2] then return {-3, 0} end
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[2] then return {-1, redis.call('LLEN', KEYS[2])} end
redis.call('SET', KEYS[3], ARGV[2], 'PX', ARGV[3])
if turn[1] ~= ARGV[1] then return {-2, tonumber(turn[1] or '0') or 0} end
if KEYS[4] then
  local place = redis.call('GET', KEYS[4])
  if not place or place == ARGV[5] then redis.call('SET', KEYS[4], ARGV[5], 'PX', ARGV[4]) end
end
local length = redis.call('LLEN', KEYS[2])
if #ARGV < 10 then return {1, length} end
local first = tonumber(ARGV[6])
if length < first - 1 then return {-2, tonumber(turn[1])} end
local bytes = tonumber(turn[3] or '0') or 0
local result = 1
for i = 10, #ARGV do
  local seq = first + i - 10
  if seq > length then
    local payload = ARGV[i] .. string.format('%d', seq) .. '}'
    if bytes + #payload > tonumber(ARGV[9]) then
      result = -4 -- Earlier chunks stay and are counted below.
      break
    end
    bytes = bytes + #payload
    length = redis.call('RPUSH', KEYS[2], payload)
    redis.call('PUBLISH', ARGV[7], payload)
  end
end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'bytes', string.format('%d', bytes), 'at', now[1], 'seq', string.format('%d', length))
redis.call('EXPIRE', KEYS[1], ARGV[8])
redis.call('EXPIRE', KEYS[2], ARGV[8])
return {result, length}
