-- leave
-- Frees the place of a turn, at once or after a time.
-- KEYS[1] the conversation's place
-- ARGV[1] turn  [2] milliseconds to keep it; 0: none
-- Result: 1 the turn had the place; 0 it had not
-- Race: the place may have been given to another turn, which keeps it.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
