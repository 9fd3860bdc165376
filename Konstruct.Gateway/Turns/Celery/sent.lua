-- sent
-- Tells whether a turn's task was put on the Celery queue. Notes the time where the broker has none: it is new, or has lost its data.
-- KEYS[1] mark of the turn  [2] time since when the broker has kept its data (Unix ms)
-- ARGV[1] age of the turn in milliseconds
-- Result: 1 it was; 0 it was not; -1 unknown: the broker may have lost the mark, because its data is younger than the turn
-- Race: none. A call that puts the task on the list at this moment is repeated by its caller, and the mark makes that harmless.
if redis.call('EXISTS', KEYS[1]) == 1 then return 1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[2], string.format('%d', now), 'NX')
local since = tonumber(redis.call('GET', KEYS[2])) or now
if now - since >= tonumber(ARGV[1]) then return 0 end
return -1
