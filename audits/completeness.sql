-- Is every position of every log accounted for, once? gaps and missing_receipts must be 0.
-- Positions hold receipts, adjustments, duplicates (sealed twice, counted once) or dead letters.
-- missing_receipts is the number over all logs, the same in each row: a receipt may be sealed in two of them.
SELECT
  log_id,
  min(log_index) AS first_index,
  max(log_index) AS last_index,
  count() AS positions,
  last_index - first_index + 1 - positions AS gaps,
  countIf(kind = 'sealed') AS sealed,
  countIf(kind = 'adjusted') AS adjusted,
  countIf(kind = 'duplicate') AS duplicates,
  countIf(kind = 'dead') AS dead_letters,
  toInt64((SELECT uniqExact(receipt_id) FROM nextmodel.log_entries WHERE kind = 'sealed'))
    - toInt64((SELECT count() FROM nextmodel.receipts FINAL)) AS missing_receipts
FROM nextmodel.log_entries FINAL
GROUP BY log_id
ORDER BY log_id
