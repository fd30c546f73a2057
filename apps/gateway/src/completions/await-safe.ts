/**
 * Waits until an answer's last byte may go out. `strict`: its receipt is on disk. `fast`: it is with the operating
 * system, and a failing sync is the log's own alarm.
 * @throws RouterError `receipt_log_unavailable`: no answer without a receipt.
 */
export function awaitSafe(
  durability: 'strict' | 'fast',
  sealed: { readonly written: Promise<void>; readonly durable: Promise<void> },
): Promise<void> {
  if (durability === 'strict') return sealed.durable;
  sealed.durable.catch(() => undefined);
  return sealed.written;
}
