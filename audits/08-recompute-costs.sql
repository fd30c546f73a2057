-- Computes every cost again: quantity times rate, amounts, native cost, exchange, and the receipt's own sum.
-- Every row of the answer is a mistake; no row is what it should say. Estimates by the provider are left out.
-- A receipt costs what its attempts cost that were or may have been billed: 0 without any, NULL when one has no price.
-- @param days UInt16 = 30 -- how far back
-- @param limit UInt16 = 100 -- how many mistakes to show
SELECT 'attempt' AS what, a.receipt_id AS receipt_id, toString(a.n) AS n,
  toString(arraySum(arrayMap((q, r) -> toDecimal128(q, 0) * toDecimal128(r, 12), a.qty, a.rate))) AS recomputed,
  toString(a.cost_native) AS recorded
FROM nextmodel.attempts AS a FINAL
WHERE a.ts >= now() - toIntervalDay({days:UInt16}) AND a.cost_status IN ('exact', 'estimated') AND a.cost_native IS NOT NULL
  AND (
    arraySum(arrayMap((q, r) -> toDecimal128(q, 0) * toDecimal128(r, 12), a.qty, a.rate)) != toDecimal128(assumeNotNull(a.cost_native), 12)
    OR arraySum(arrayMap(x -> toDecimal128(x, 12), a.amount)) != toDecimal128(assumeNotNull(a.cost_native), 12)
    OR (a.currency = 'USD' AND assumeNotNull(a.cost_usd) != assumeNotNull(a.cost_native))
    OR abs(toDecimal256(assumeNotNull(a.cost_native), 12) * toDecimal256(a.fx_rate, 9) - toDecimal256(assumeNotNull(a.cost_usd), 21)) > toDecimal256('0.000000000001', 21)
  )
LIMIT {limit:UInt16}
UNION ALL
SELECT 'receipt', r.receipt_id, '', toString(if(ifNull(s.unknown, 0) > 0, NULL, ifNull(s.total, 0))), toString(r.cost_usd)
FROM nextmodel.receipts AS r FINAL
LEFT JOIN (
  SELECT tenant_id, receipt_id,
    countIf(billed != 'no' AND cost_usd IS NULL) AS unknown,
    sumIf(ifNull(cost_usd, 0), billed != 'no') AS total
  FROM nextmodel.attempts FINAL
  WHERE ts >= now() - toIntervalDay({days:UInt16})
  GROUP BY tenant_id, receipt_id
) AS s ON s.tenant_id = r.tenant_id AND s.receipt_id = r.receipt_id
WHERE r.ts >= now() - toIntervalDay({days:UInt16})
  AND (
    (r.cost_usd IS NULL) != (ifNull(s.unknown, 0) > 0)
    OR (r.cost_usd IS NOT NULL AND ifNull(s.total, 0) != toDecimal128(assumeNotNull(r.cost_usd), 12))
  )
LIMIT {limit:UInt16}
