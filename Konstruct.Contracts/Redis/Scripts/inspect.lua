-- Returns the state of entries and removes expired leases. The worker's next heartbeat reports a removed lease as lost.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1…] entries
-- Result: for each entry 1 waiting, 2 leased, 3 answered, 0 missing
-- Race: check and removal are one step, so no heartbeat between the two can renew a lease that is being removed.
local now = redis.call('TIME')
local millis = now[1] * 1000 + math.floor(now[2] / 1000)
local states = {}
for i = 1, #ARGV do
  local lease = redis.call('ZSCORE', KEYS[3], ARGV[i])
  local ends = tonumber(lease or '')
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    states[i] = 1
  elseif redis.call('ZSCORE', KEYS[4], ARGV[i]) then
    states[i] = 3
  elseif ends and ends >= millis and ends <= millis + 3600000 then -- A lease is at most an hour.
    states[i] = 2
  else
    if lease then
      redis.call('ZREM', KEYS[3], ARGV[i])
      redis.call('HDEL', KEYS[2], ARGV[i])
    end
    states[i] = 0
  end
end
return states
