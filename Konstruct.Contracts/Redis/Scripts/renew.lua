-- A worker's heartbeat: renews all its leases at once.
-- KEYS[1] leases
-- ARGV[1] milliseconds of the lease  [2…] entries
-- Result: the entries whose lease is gone: the caller has lost those attempts
-- Race: a lease that ran out and was taken away must not come back; one that ran out unnoticed may.
local now = redis.call('TIME')
local ends = string.format('%d', math.floor((now[1] * 1000000 + now[2]) / 1000) + tonumber(ARGV[1]))
local lost = {}
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], ends, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
