-- Finds entries that nobody looks after any more. Changes nothing.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1] milliseconds since the answer, or since the lease ran out  [2] most entries of either kind
-- Result: entry, payload (empty: it has none); again for each entry
-- Race: none; whoever asked looks in Postgres whether the turn has ended, which it cannot undo.
local now = redis.call('TIME')
local before = string.format('%d', now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[1]))
local stale = {}
for i = 3, 4 do
  local entries = redis.call('ZRANGEBYSCORE', KEYS[i], '-inf', before, 'LIMIT', 0, ARGV[2])
  for j = 1, #entries do
    stale[#stale + 1] = entries[j]
    stale[#stale + 1] = redis.call('HGET', KEYS[2], entries[j]) or ''
  end
end
return stale
