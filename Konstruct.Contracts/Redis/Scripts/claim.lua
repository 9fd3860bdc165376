-- Takes the oldest entries from the queue and leases them to the caller.
-- KEYS[1] queue  [2] tasks  [3] leases
-- ARGV[1] milliseconds of the lease  [2] most entries
-- Result: entry, payload (empty: it has none, and cannot be answered), µs that it waited; again for each entry taken
-- Race: a worker that dies before it has opened the attempt holds a lease that runs out; nothing is popped without one.
local now = redis.call('TIME')
local micros = now[1] * 1000000 + now[2]
local ends = string.format('%d', math.floor(micros / 1000) + tonumber(ARGV[1]))
local taken = {}
local entries = redis.call('ZRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1, 'WITHSCORES')
for i = 1, #entries, 2 do
  redis.call('ZREM', KEYS[1], entries[i])
  redis.call('ZADD', KEYS[3], ends, entries[i])
  taken[#taken + 1] = entries[i]
  taken[#taken + 1] = redis.call('HGET', KEYS[2], entries[i]) or ''
  -- A score may be anything that was put there, and Garnet's infinity is not a number to Lua: no time in the queue is longer than a day.
  taken[#taken + 1] = string.format('%d', math.floor(math.min(math.max(0, micros - (tonumber(entries[i + 1]) or 0)), 86400000000)))
end
return taken
