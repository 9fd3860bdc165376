-- Finds stale entries, which no process handles any more. Changes nothing.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered
-- ARGV[1] milliseconds since the answer or since the lease expired  [2] maximum number of entries of each kind
-- Result: for each entry: entry, payload (empty: none)
-- Race: none. The caller checks in Postgres whether the turn has ended, which is final.
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
