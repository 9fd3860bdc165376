-- listen
-- Begins to listen to a turn that is about to be dispatched: takes the place and the listening lease, keeps the task, and announces the turn.
-- KEYS[1] turn  [2] listening lease  [3] the conversation's place; optional
-- ARGV[1] turn id  [2] gateway  [3] milliseconds of the lease  [4] milliseconds of the place  [5] task, as on the Celery queue
-- [6] response channel  [7] announcement; empty: none
-- Result: 1 listening; 0 another turn has the place; -3 the turn has ended
-- Race: a client may cancel between the caller's commit and this call. Then the turn has ended and must not be dispatched.
if redis.call('HEXISTS', KEYS[1], 'end') == 1 then return -3 end
if KEYS[3] then
  local holder = redis.call('GET', KEYS[3])
  if holder and holder ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[4])
end
redis.call('HSET', KEYS[1], 'task', ARGV[5])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
if ARGV[7] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7]) end
return 1
