-- Where entries are. A lease that ran out is taken away: its worker's next heartbeat learns that it lost the attempt.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1…] entries
-- Result: for each entry 1 waiting, 2 held, 3 answered, 0 nowhere
-- Race: looking and taking away are one step, so that a heartbeat between the two cannot keep a lease that was given up.
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
  elseif ends and ends >= millis and ends <= millis + 3600000 then -- No lease is longer than an hour.
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
