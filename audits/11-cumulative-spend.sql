-- Cumulative spend of each key against a budget, day by day.
-- @param tenant String = '' -- one tenant; empty = all
-- @param days UInt16 = 30 -- how far back
-- @param budget_usd Decimal64(12) = 100 -- for the share; the budgets themselves are with the keys
SELECT
  tenant_id,
  api_key_id,
  day,
  spend_usd,
  sum(spend_usd) OVER (PARTITION BY tenant_id, api_key_id ORDER BY day) AS cumulative_usd,
  round(toFloat64(cumulative_usd) / toFloat64({budget_usd:Decimal64(12)}), 4) AS share_of_budget,
  unpriced_requests
FROM (
  SELECT tenant_id, api_key_id, toDate(ts) AS day, sum(ifNull(effective_usd, 0)) AS spend_usd,
    countIf(effective_usd IS NULL) AS unpriced_requests
  FROM nextmodel.receipts_effective
  WHERE ({tenant:String} = '' OR tenant_id = {tenant:String}) AND ts >= now() - toIntervalDay({days:UInt16})
  GROUP BY tenant_id, api_key_id, day
)
ORDER BY tenant_id, api_key_id, day
