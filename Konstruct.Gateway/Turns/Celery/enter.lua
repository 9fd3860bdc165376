-- enter
-- Takes a conversation for a turn whose orchestrator does not name turns in its payloads.
-- KEYS[1] the conversation's place
-- ARGV[1] turn  [2] milliseconds to keep
-- Result: 1 the turn has the place; 0 another turn has it
-- Race: two gateways that accept a message of one conversation at once. One gets the place.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
