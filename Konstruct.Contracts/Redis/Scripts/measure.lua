-- Counts the entries of the dispatch queue. Changes nothing.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered  [5] dead letters
-- Result: number of waiting, leased and answered entries, µs that the oldest has waited, number of dead letters
-- Race: none.
local now = redis.call('TIME')
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local waited = 0
if oldest[2] then waited = math.floor(math.min(math.max(0, now[1] * 1000000 + now[2] - (tonumber(oldest[2]) or 0)), 86400000000)) end
return {redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[3]), redis.call('ZCARD', KEYS[4]), string.format('%d', waited), redis.call('LLEN', KEYS[5])}
