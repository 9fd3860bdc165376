-- Takes one message out of a user's bucket, which fills at a steady rate (the generic cell rate algorithm: one number says how full it is).
-- KEYS[1] bucket
-- ARGV[1] µs until one more message is allowed  [2] messages that may come at once
-- Result: 0 taken; n > 0: nothing taken, and the µs until there is one
-- Race: sockets on several gateways send at once: the clock is Redis's, and looking and taking are one step.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local full = interval * tonumber(ARGV[2])
local empty = math.min(math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0') or 0), now + full) + interval -- Never fuller than full, whatever was stored.
local wait = empty - now - full
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%d', empty), 'PX', string.format('%d', math.ceil((empty - now) / 1000)))
return 0
