-- The most expensive requests.
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
  cost_usd,
  wasted_usd,
  tok_in,
  tok_cache_read,
  tok_cache_write,
  tok_out,
  tok_reasoning,
  latency_ms,
  tags
FROM nextmodel.receipts FINAL
WHERE ({tenant:String} = '' OR tenant_id = {tenant:String})
  AND ts >= now() - toIntervalDay({days:UInt16}) AND cost_usd IS NOT NULL
ORDER BY cost_usd DESC
LIMIT {limit:UInt16}
