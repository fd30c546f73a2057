/**
 * Token bucket: hash of level and time. ARGV: cost, limit, window in ms, now in ms, forced (1 = take in any case).
 * Gives allowed, level, milliseconds until it may succeed. Ends by itself when the bucket is full again.
 */
export const BUCKET_SCRIPT = `
local cost, limit, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now, forced = tonumber(ARGV[4]), ARGV[5] == '1'
local state = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(state[1]) or limit, tonumber(state[2]) or now
level = math.min(limit, level + math.max(0, now - at) * limit / window)
local allowed, wait = 0, 0
if forced or level >= cost then
  allowed = 1
  level = math.min(limit, level - cost)
elseif cost > limit then
  wait = window
else
  wait = math.ceil((cost - level) * window / limit)
end
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', tostring(math.max(at, now)))
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(1, (limit - level) * window / limit)) + 60000)
return { allowed, tostring(level), wait }
`;

/** Places: sorted set of holders by the end of their lease. ARGV: holder, limit, lease in ms, now in ms. */
export const PLACE_SCRIPT = `
local holder, limit, lease, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= limit and not redis.call('ZSCORE', KEYS[1], holder) then return 0 end
redis.call('ZADD', KEYS[1], now + lease, holder)
redis.call('PEXPIRE', KEYS[1], lease + 60000)
return 1
`;
