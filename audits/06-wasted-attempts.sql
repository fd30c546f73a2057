-- Attempts that failed and were, or may have been, billed.
-- @param days UInt16 = 30 -- how far back
SELECT
  provider,
  model,
  kind,
  status,
  billed,
  count() AS attempts,
  sum(ifNull(cost_usd, 0)) AS spend_usd,
  countIf(cost_usd IS NULL) AS unpriced_attempts
FROM nextmodel.attempts FINAL
WHERE ts >= now() - toIntervalDay({days:UInt16}) AND status != 'ok' AND billed != 'no'
GROUP BY provider, model, kind, status, billed
ORDER BY spend_usd DESC, attempts DESC
