-- The most expensive requests, corrections included.
-- @param tenant String = '' -- one tenant; empty = all
-- @param days UInt16 = 30 -- how far back
-- @param limit UInt16 = 100 -- how many
SELECT
  concat('rcpt_', toString(receipt_id)) AS receipt,
  ts,
  tenant_id,
  api_key_id,
  requested_model,
  provider,
  served_model,
  status,
  attempts,
  effective_usd,
  cost_usd,
  wasted_usd,
  tok_in,
  tok_cache_read,
  tok_cache_write,
  tok_out,
  tok_reasoning,
  latency_ms,
  tags
FROM nextmodel.receipts_effective
-- chosen by few columns first: the others, tags above all, are read for those that are shown
WHERE (tenant_id, ts, receipt_id) IN (
  SELECT tenant_id, ts, receipt_id FROM nextmodel.receipts_effective
  WHERE ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ts >= now() - toIntervalDay({days:UInt16}) AND effective_usd IS NOT NULL
  ORDER BY effective_usd DESC
  LIMIT {limit:UInt16}
)
ORDER BY effective_usd DESC
LIMIT {limit:UInt16}
