-- Is every position of every log accounted for, once? gaps and missing_receipts must be 0.
-- Positions hold receipts, adjustments, duplicates (sealed twice, counted once) or dead letters.
SELECT
  log_id,
  min(log_index) AS first_index,
  max(log_index) AS last_index,
  uniqExact(log_index) AS positions,
  last_index - first_index + 1 - positions AS gaps,
  uniqExactIf(log_index, kind = 'sealed') AS sealed,
  uniqExactIf(log_index, kind = 'adjusted') AS adjusted,
  uniqExactIf(log_index, kind = 'duplicate') AS duplicates,
  uniqExactIf(log_index, kind = 'dead') AS dead_letters,
  toInt64(uniqExactIf(receipt_id, kind = 'sealed')) - toInt64(any(r.receipts)) AS missing_receipts
FROM nextmodel.log_entries
LEFT JOIN (
  SELECT log_id, uniqExact(receipt_id) AS receipts FROM nextmodel.receipts GROUP BY log_id
) AS r USING (log_id)
GROUP BY log_id
ORDER BY log_id
