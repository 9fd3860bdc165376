-- publish
-- Puts a task on a Celery queue, once per turn.
-- KEYS[1] list  [2] mark of the turn  [3] time since when the broker has kept its data (Unix ms)
-- ARGV[1] message  [2] milliseconds to keep the mark
-- Result: 1 put on the list; 0 an earlier call did
-- Race: the caller repeats the call after an unknown outcome, and another gateway may call it for the same turn. The mark and the list change together.
local now = redis.call('TIME')
redis.call('SET', KEYS[3], string.format('%d', now[1] * 1000 + math.floor(now[2] / 1000)), 'NX')
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[1])
return 1
