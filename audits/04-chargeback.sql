-- Chargeback by a tag: who gets which bill.
-- @param tag String = 'team' -- the tag to split by
-- @param tenant String = '' -- one tenant; empty = all
-- @param days UInt16 = 30 -- how far back
SELECT
  tags[{tag:String}] AS value,
  count() AS requests,
  sum(ifNull(cost_usd, 0)) AS spend_usd,
  countIf(cost_usd IS NULL) AS unpriced_requests,
  sum(avoided_usd) AS avoided_usd
FROM nextmodel.receipts FINAL
WHERE ({tenant:String} = '' OR tenant_id = {tenant:String}) AND ts >= now() - toIntervalDay({days:UInt16})
GROUP BY value
ORDER BY spend_usd DESC
