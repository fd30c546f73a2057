/**
 * A name is a hash: `asked` (fingerprint), `holder` and, once it has an answer, `subject`, `key`, `sealed`. It ends by
 * itself: a running one with its lease, an answered one with its time. All keys of an owner carry one hash tag.
 */

/** ARGV: fingerprint, holder, lease in ms. Gives `claimed`, `running`, `mismatch`, or `answered` with the answer. */
export const CLAIM_SCRIPT = `
local held = redis.call('HMGET', KEYS[1], 'asked', 'subject', 'key', 'sealed')
if not held[1] then
  redis.call('HSET', KEYS[1], 'asked', ARGV[1], 'holder', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return { 'claimed' }
end
if held[1] ~= ARGV[1] then return { 'mismatch' } end
if held[4] then return { 'answered', held[2], held[3], held[4] } end
return { 'running' }
`;

/** ARGV: holder, lease in ms. */
export const RENEW_SCRIPT = `
local held = redis.call('HMGET', KEYS[1], 'holder', 'sealed')
if held[1] == ARGV[1] and not held[2] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`;

/** ARGV: holder. */
export const RELEASE_SCRIPT = `
local held = redis.call('HMGET', KEYS[1], 'holder', 'sealed')
if held[1] == ARGV[1] and not held[2] then redis.call('DEL', KEYS[1]) end
return 0
`;

/**
 * KEYS: the name, the owner's order (names by the end of their time), the owner's sizes, the subject's names.
 * ARGV: holder, subject, key id, sealed, time to keep in ms, answers at most, characters at most.
 */
export const KEEP_SCRIPT = `
local held = redis.call('HMGET', KEYS[1], 'holder', 'sealed')
if held[1] ~= ARGV[1] or held[2] then return 0 end
redis.call('HSET', KEYS[1], 'subject', ARGV[2], 'key', ARGV[3], 'sealed', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local order = redis.call('HINCRBY', KEYS[3], 'order', 1)
redis.call('ZADD', KEYS[2], now + ARGV[5] + (order % 1000) / 1000, KEYS[1])
redis.call('HSET', KEYS[3], KEYS[1], #ARGV[4])
local chars = redis.call('HINCRBY', KEYS[3], 'chars', #ARGV[4])
redis.call('SADD', KEYS[4], KEYS[1])
for i = 2, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[5]) end
local count = redis.call('ZCARD', KEYS[2])
while count > 0 do
  local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  if count <= tonumber(ARGV[6]) and chars <= tonumber(ARGV[7]) and tonumber(oldest[2]) > now then break end
  redis.call('DEL', oldest[1])
  redis.call('ZREM', KEYS[2], oldest[1])
  local size = redis.call('HGET', KEYS[3], oldest[1])
  redis.call('HDEL', KEYS[3], oldest[1])
  chars = redis.call('HINCRBY', KEYS[3], 'chars', -(size or 0))
  count = count - 1
end
return 1
`;

/** KEYS: the subject's names, the owner's order, the owner's sizes. ARGV: subject. */
export const FORGET_SCRIPT = `
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  if redis.call('HGET', name, 'subject') == ARGV[1] then
    redis.call('DEL', name)
    redis.call('ZREM', KEYS[2], name)
    local size = redis.call('HGET', KEYS[3], name)
    redis.call('HDEL', KEYS[3], name)
    redis.call('HINCRBY', KEYS[3], 'chars', -(size or 0))
  end
end
redis.call('DEL', KEYS[1])
return 0
`;
