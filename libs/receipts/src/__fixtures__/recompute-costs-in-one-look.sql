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
SELECT 'receipt', receipt_id, '',
  toString(if(marks % 65536 > 0, NULL, of_attempts)), toString(if(marks >= 4294967296, NULL, of_receipt))
FROM (
  -- one grouping of both tables, where a join would hold each of them, and one number for all marks of a receipt:
  -- attempts without a price, + 2^16 when the receipt is there, + 2^32 when it has no price itself
  SELECT receipt_id, sum(mark) AS marks, sum(attempt_usd) AS of_attempts, sum(receipt_usd) AS of_receipt
  FROM (
    SELECT receipt_id, toUInt64(billed != 'no' AND cost_usd IS NULL) AS mark,
      if(billed != 'no', ifNull(cost_usd, toDecimal64(0, 12)), toDecimal64(0, 12)) AS attempt_usd, toDecimal64(0, 12) AS receipt_usd
    FROM nextmodel.attempts FINAL
    WHERE ts >= now() - toIntervalDay({days:UInt16})
    UNION ALL
    SELECT receipt_id, 65536 + if(cost_usd IS NULL, 4294967296, 0), toDecimal64(0, 12), ifNull(cost_usd, toDecimal64(0, 12))
    FROM nextmodel.receipts FINAL
    WHERE ts >= now() - toIntervalDay({days:UInt16})
  )
  GROUP BY receipt_id
  HAVING marks >= 65536
    AND ((marks >= 4294967296) != (marks % 65536 > 0) OR (marks < 4294967296 AND of_attempts != of_receipt))
)
LIMIT {limit:UInt16}
