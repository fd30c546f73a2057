-- Money and tokens by provider and model, with the effective price of a million tokens.
-- @param tenant String = '' -- one tenant; empty = all
-- @param days UInt16 = 30 -- how far back
SELECT
  provider,
  served_model,
  count() AS requests,
  sum(tok_in) AS uncached_input_tokens,
  sum(tok_cache_read) AS cache_read_tokens,
  sum(tok_cache_write) AS cache_write_tokens,
  sum(tok_out) AS output_tokens,
  sum(tok_reasoning) AS reasoning_tokens,
  sum(ifNull(effective_usd, 0)) AS spend_usd,
  countIf(effective_usd IS NULL) AS unpriced_requests,
  round(
    toFloat64(sum(ifNull(effective_usd, 0))) * 1000000
      / nullIf(sumIf(toUInt64(tok_in) + tok_cache_read + tok_cache_write + tok_out + tok_reasoning, effective_usd IS NOT NULL), 0),
    4
  ) AS usd_per_million_tokens
FROM nextmodel.receipts_effective
WHERE ({tenant:String} = '' OR tenant_id = {tenant:String}) AND ts >= now() - toIntervalDay({days:UInt16})
GROUP BY provider, served_model
ORDER BY spend_usd DESC
