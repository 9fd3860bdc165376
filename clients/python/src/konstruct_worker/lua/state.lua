-- Reads the state of a turn and how long it has been silent. Changes nothing.
-- KEYS[1] turn
-- Result: attempt, end, seq, trace, each nil if missing; seconds since the last chunk, -1 before the first
-- Race: none. The silence is measured here because the time of the last chunk is from this clock, and the caller's clock may differ.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'end', 'seq', 'trace', 'at')
local now = tonumber(redis.call('TIME')[1])
local at = tonumber(turn[5] or '')
local silence = -1
-- A time that is not one, or lies more than a day ahead, counts as missing.
if at and at > 0 and at <= now + 86400 then silence = math.max(0, now - at) end
return {turn[1], turn[2], turn[3], turn[4], string.format('%d', silence)}
