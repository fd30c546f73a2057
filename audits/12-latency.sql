-- Latency, time to the first token and errors by provider and model.
-- @param days UInt16 = 7 -- how far back
SELECT
  provider,
  served_model,
  count() AS requests,
  round(countIf(status NOT IN ('ok', 'client_error', 'aborted')) / requests, 4) AS error_rate,
  quantilesTDigest(0.5, 0.95, 0.99)(latency_ms) AS latency_ms_p50_p95_p99,
  quantilesTDigestIf(0.5, 0.95, 0.99)(assumeNotNull(ttft_ms), ttft_ms IS NOT NULL) AS ttft_ms_p50_p95_p99,
  round(avg(overhead_us)) AS overhead_us
FROM nextmodel.receipts FINAL
WHERE ts >= now() - toIntervalDay({days:UInt16}) AND cache_result NOT IN ('exact', 'semantic')
GROUP BY provider, served_model
ORDER BY requests DESC
