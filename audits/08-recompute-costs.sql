-- Computes every cost again: quantity times rate, amounts, native cost, exchange, and the receipt's own sum.
-- Every row of the answer is a mistake; no row is what it should say. Estimates by the provider are left out.
-- A receipt costs what its attempts cost that were or may have been billed: 0 without any, NULL when one has no price.
-- Looks twice: over all rows as they are stored, repeats too, then with FINAL over the suspects alone, which cost little.
-- @param days UInt16 = 30 -- how far back
-- @param limit UInt16 = 100 -- how many mistakes to show
SELECT 'attempt' AS what, a.receipt_id AS receipt_id, toString(a.n) AS n,
  toString(arraySum(arrayMap((q, r) -> toDecimal128(q, 0) * toDecimal128(r, 12), a.qty, a.rate))) AS recomputed,
  toString(a.cost_native) AS recorded
FROM nextmodel.attempts AS a FINAL
WHERE (a.tenant_id, a.ts, a.receipt_id, a.n) IN (
  SELECT tenant_id, ts, receipt_id, n FROM nextmodel.attempts
  WHERE ts >= now() - toIntervalDay({days:UInt16}) AND cost_status IN ('exact', 'estimated') AND cost_native IS NOT NULL
    AND (
      arraySum(arrayMap((q, r) -> toDecimal128(q, 0) * toDecimal128(r, 12), qty, rate)) != toDecimal128(assumeNotNull(cost_native), 12)
      OR arraySum(arrayMap(x -> toDecimal128(x, 12), amount)) != toDecimal128(assumeNotNull(cost_native), 12)
      OR (currency = 'USD' AND assumeNotNull(cost_usd) != assumeNotNull(cost_native))
      OR abs(toDecimal256(assumeNotNull(cost_native), 12) * toDecimal256(fx_rate, 9) - toDecimal256(assumeNotNull(cost_usd), 21)) > toDecimal256('0.000000000001', 21)
    )
  )
  AND a.cost_status IN ('exact', 'estimated') AND a.cost_native IS NOT NULL
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
  WHERE receipt_id IN (
    -- the same without FINAL; a row that stands twice makes its place count twice, and is looked at again
    SELECT receipt_id
    FROM (
      SELECT receipt_id, toUInt64(billed != 'no' AND cost_usd IS NULL) AS mark, bitShiftLeft(toUInt64(1), least(n, 40)) AS place,
        if(billed != 'no', ifNull(cost_usd, toDecimal64(0, 12)), toDecimal64(0, 12)) AS usd
      FROM nextmodel.attempts WHERE ts >= now() - toIntervalDay({days:UInt16})
      UNION ALL
      SELECT receipt_id, 65536 + if(cost_usd IS NULL, 4294967296, 0), toUInt64(1), -ifNull(cost_usd, toDecimal64(0, 12))
      FROM nextmodel.receipts WHERE ts >= now() - toIntervalDay({days:UInt16})
    )
    GROUP BY receipt_id
    HAVING sum(mark) >= 65536
      AND (
        sum(place) != groupBitOr(place)
        OR (sum(mark) >= 4294967296) != (sum(mark) % 65536 > 0)
        OR (sum(mark) < 4294967296 AND sum(usd) != 0)
      )
  )
  GROUP BY receipt_id
  HAVING marks >= 65536
    AND ((marks >= 4294967296) != (marks % 65536 > 0) OR (marks < 4294967296 AND of_attempts != of_receipt))
)
LIMIT {limit:UInt16}
