/**
 * KEYS of an account: its sums (hash: gross, credit, held), its holders by the end of their lease (sorted set), what
 * each holds (hash). Sums are changed by Redis itself, which counts in 64-bit integers, good for 9 million dollars.
 * Lua has doubles: what it compares is exact to a nanodollar there, and to the picodollar below nine thousand.
 */
const DROP = `
local function drop(holder)
  local amount = redis.call('HGET', KEYS[3], holder)
  if not amount then return false end
  if amount ~= '0' then redis.call('HINCRBY', KEYS[1], 'held', '-' .. amount) end
  redis.call('HDEL', KEYS[3], holder)
  redis.call('ZREM', KEYS[2], holder)
  return true
end
`;

/**
 * ARGV: holder, asked, budget, gross, credit, lease in ms, now in ms, ms to remember. Gives held (1 or 0) and the left
 * as the parts of its sum: gross, credit, held.
 */
export const HOLD_SCRIPT = `${DROP}
local holder, asked, budget, lease, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[6]), tonumber(ARGV[7])
for _, late in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do drop(late) end
drop(holder)
local sums = redis.call('HMGET', KEYS[1], 'gross', 'credit', 'held')
local gross, credit, others = sums[1] or '0', sums[2] or '0', sums[3] or '0'
if tonumber(ARGV[4]) > tonumber(gross) then gross = ARGV[4] end
if tonumber(ARGV[5]) > tonumber(credit) then credit = ARGV[5] end
redis.call('HSET', KEYS[1], 'gross', gross, 'credit', credit)
local left = budget - tonumber(gross) + tonumber(credit) - tonumber(others)
local held = 0
if left > 0 and (tonumber(asked) <= left or tonumber(others) <= 0) then
  held = 1
  if tonumber(asked) > left then asked = string.format('%.0f', left) end
  redis.call('HSET', KEYS[3], holder, asked)
  redis.call('ZADD', KEYS[2], now + lease, holder)
  redis.call('HINCRBY', KEYS[1], 'held', asked)
end
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[8]) end
return { held, gross, credit, others }
`;

/** ARGV: end of the lease, ms to remember, holders. */
export const RENEW_HOLDS_SCRIPT = `
for i = 3, #ARGV do redis.call('ZADD', KEYS[2], 'XX', ARGV[1], ARGV[i]) end
for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[2]) end
return 0
`;

/** ARGV: holder, spent. */
export const SETTLE_SCRIPT = `${DROP}
if drop(ARGV[1]) and ARGV[2] ~= '0' then redis.call('HINCRBY', KEYS[1], 'gross', ARGV[2]) end
return 0
`;
