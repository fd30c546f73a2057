-- The keys that spend most, with what was paid for attempts that gave no answer.
-- @param days UInt16 = 30 -- how far back
-- @param limit UInt16 = 20 -- how many keys
SELECT
  tenant_id,
  api_key_id,
  count() AS requests,
  sum(ifNull(effective_usd, 0)) AS spend_usd,
  sum(ifNull(r.wasted_usd, 0)) AS wasted_usd,
  countIf(effective_usd IS NULL) AS unpriced_requests,
  countIf(r.wasted_usd IS NULL) AS unknown_waste_requests
FROM nextmodel.receipts_effective AS r
WHERE ts >= now() - toIntervalDay({days:UInt16})
GROUP BY tenant_id, api_key_id
ORDER BY spend_usd DESC
LIMIT {limit:UInt16}
