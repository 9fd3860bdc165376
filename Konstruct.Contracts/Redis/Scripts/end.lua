-- Ends a turn for a gateway: a client cancelled it, its deadline passed, or its attempts are used up.
-- KEYS[1] turn  [2] log of the attempt that the caller assumes to be open
-- ARGV[1] that attempt  [2] response channel  [3] seconds to keep  [4] outcome  [5] payload without its seq  [6] stop channel  [7] turn id
-- [8] highest possible attempt
-- Result: 0 ended; -3 it had ended before; n > 0: attempt n is open instead, repeat the call with n
-- Race: the worker may open a later attempt, or finish, between the caller's read and this call.
local turn = redis.call('HMGET', KEYS[1], 'attempt', 'end')
if turn[2] then return -3 end
local open = tonumber(turn[1] or '')
if open and open ~= tonumber(ARGV[1]) and open >= 1 and open <= tonumber(ARGV[8]) and open == math.floor(open) then return open end
local payload = ARGV[5] .. string.format('%d', redis.call('LLEN', KEYS[2]) + 1) .. '}'
redis.call('RPUSH', KEYS[2], payload)
redis.call('HSET', KEYS[1], 'attempt', ARGV[1], 'end', ARGV[4], 'by', 'gateway')
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('PUBLISH', ARGV[2], payload)
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 0
