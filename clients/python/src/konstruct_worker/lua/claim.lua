-- Takes the oldest entries from the queue and leases them to the caller.
-- KEYS[1] queue  [2] tasks  [3] leases
-- ARGV[1] milliseconds of the lease  [2] maximum number of entries
-- Result: for each entry taken: entry, payload (empty: none, so it cannot be answered), µs in the queue
-- Race: a worker can die before it opens the attempt. Every entry is leased as it is popped, and the lease expires.
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
  -- Anyone can have written the score, and Garnet's infinity is not a number to Lua: the time in the queue is limited to a day.
  taken[#taken + 1] = string.format('%d', math.floor(math.min(math.max(0, micros - (tonumber(entries[i + 1]) or 0)), 86400000000)))
end
return taken
