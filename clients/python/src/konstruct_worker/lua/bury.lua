-- Moves an unreadable entry from the dispatch queue to the dead letters.
-- KEYS[1] queue  [2] tasks  [3] leases  [4] answered  [5] dead letters
-- ARGV[1] entry  [2] the letter: a JSON object without its opening brace; this script puts the time before it  [3] maximum number of letters
-- Result: 1 moved; 0 the entry was gone
-- Race: workers and gateways find the same entry at once. The first writes the letter, the others find no entry. The letter is written first,
-- because that is the only write that a full Redis refuses.
if not (redis.call('ZSCORE', KEYS[1], ARGV[1]) or redis.call('ZSCORE', KEYS[3], ARGV[1]) or redis.call('ZSCORE', KEYS[4], ARGV[1])) then return 0 end
local now = redis.call('TIME')
redis.call('LPUSH', KEYS[5], '{"at":' .. now[1] .. ',' .. ARGV[2])
redis.call('LTRIM', KEYS[5], 0, tonumber(ARGV[3]) - 1)
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
return 1
