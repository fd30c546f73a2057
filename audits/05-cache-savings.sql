-- Cache hit rate and money saved by tenant.
-- @param days UInt16 = 90 -- how far back
SELECT
  tenant_id,
  count() AS requests,
  countIf(cache_result = 'exact') AS exact_hits,
  countIf(cache_result = 'semantic') AS semantic_hits,
  round(countIf(cache_result IN ('exact', 'semantic')) / nullIf(countIf(cache_result != 'off'), 0), 4) AS hit_rate,
  sum(avoided_usd) AS avoided_usd,
  sum(ifNull(cost_usd, 0)) AS spend_usd
FROM nextmodel.receipts FINAL
WHERE ts >= now() - toIntervalDay({days:UInt16})
GROUP BY tenant_id
ORDER BY avoided_usd DESC
