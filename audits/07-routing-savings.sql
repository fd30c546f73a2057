-- What routing saved against the baseline model, by policy. Only receipts that have both numbers count.
-- @param tenant String = '' -- one tenant; empty = all
-- @param days UInt16 = 90 -- how far back
SELECT
  route_policy,
  route_reason,
  baseline_model,
  count() AS requests,
  sum(assumeNotNull(cost_usd)) AS spend_usd,
  sum(assumeNotNull(baseline_usd)) AS baseline_spend_usd,
  baseline_spend_usd - spend_usd AS saved_usd
FROM nextmodel.receipts FINAL
WHERE ({tenant:String} = '' OR tenant_id = {tenant:String})
  AND ts >= now() - toIntervalDay({days:UInt16})
  AND cost_usd IS NOT NULL AND baseline_usd IS NOT NULL
GROUP BY route_policy, route_reason, baseline_model
ORDER BY saved_usd DESC
