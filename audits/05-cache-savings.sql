-- Cache hit rate and money saved by tenant.
-- @param days UInt16 = 90 -- how far back
SELECT
  tenant_id,
  count() AS requests,
  countIf(cache_result = 'exact') AS exact_hits,
  countIf(cache_result = 'semantic') AS semantic_hits,
  round(countIf(cache_result IN ('exact', 'semantic')) / nullIf(countIf(cache_result != 'off'), 0), 4) AS hit_rate,
  sum(ifNull(r.avoided_usd, 0)) AS avoided_usd,
  sum(ifNull(effective_usd, 0)) AS spend_usd,
  countIf(r.avoided_usd IS NULL) AS unknown_avoided_requests,
  countIf(effective_usd IS NULL) AS unpriced_requests
FROM nextmodel.receipts_effective AS r
WHERE ts >= now() - toIntervalDay({days:UInt16})
GROUP BY tenant_id
ORDER BY avoided_usd DESC
