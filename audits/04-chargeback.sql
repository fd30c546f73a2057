-- Chargeback by a tag: who gets which bill.
-- @param tag String = 'team' -- the tag to split by
-- @param tenant String = '' -- one tenant; empty = all
-- @param days UInt16 = 30 -- how far back
SELECT
  tags[{tag:String}] AS value,
  count() AS requests,
  sum(ifNull(effective_usd, 0)) AS spend_usd,
  countIf(effective_usd IS NULL) AS unpriced_requests,
  sum(ifNull(r.avoided_usd, 0)) AS avoided_usd,
  countIf(r.avoided_usd IS NULL) AS unknown_avoided_requests
FROM nextmodel.receipts_effective AS r
WHERE ({tenant:String} = '' OR tenant_id = {tenant:String}) AND ts >= now() - toIntervalDay({days:UInt16})
GROUP BY value
ORDER BY spend_usd DESC
