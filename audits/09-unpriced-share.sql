-- How much of the traffic has no exact price, by model.
-- @param days UInt16 = 90 -- how far back
SELECT
  provider,
  served_model,
  count() AS requests,
  countIf(cost_status = 'unpriced') AS unpriced,
  countIf(cost_status = 'estimated') AS estimated,
  countIf(cost_status = 'provider_reported') AS provider_reported,
  round((unpriced + estimated) / requests, 4) AS inexact_share
FROM nextmodel.receipts FINAL
WHERE ts >= now() - toIntervalDay({days:UInt16})
GROUP BY provider, served_model
ORDER BY inexact_share DESC, requests DESC
