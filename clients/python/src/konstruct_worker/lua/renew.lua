-- A worker's heartbeat: renews all its leases in one call.
-- KEYS[1] leases
-- ARGV[1] milliseconds of the lease  [2…] entries
-- Result: the entries without a lease: the caller has lost these attempts
-- Race: a lease that expired and was removed must not come back. One that expired but was not removed is renewed.
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
