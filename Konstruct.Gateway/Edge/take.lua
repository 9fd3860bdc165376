-- Takes one message from a user's bucket, which refills at a steady rate (generic cell rate algorithm: one number holds the level).
-- KEYS[1] bucket
-- ARGV[1] µs per message  [2] maximum burst
-- Result: 0 taken; n > 0: not taken, n µs until the next message is allowed
-- Race: sockets on several gateways send at once. The clock is Redis's, and check and take are one step.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local full = interval * tonumber(ARGV[2])
local empty = math.min(math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0') or 0), now + full) + interval -- At most full.
local wait = empty - now - full
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%d', empty), 'PX', string.format('%d', math.ceil((empty - now) / 1000)))
return 0
