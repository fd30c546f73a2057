import { expect, it } from 'vitest';
import { toDeadLetter } from './dead-letter.js';

it('a dead letter keeps the bytes, key and headers, and says what was wrong and where it came from', () => {
  const value = Uint8Array.from([0xff, 0x00, 0x7b]);
  const headers = { ce_id: 'k/sealed', ce_type: 'nextmodel.receipt.sealed.v1' };

  const letter = toDeadLetter(
    { topic: 'nextmodel.receipts', partition: 3, offset: 12n, key: 'k', value, headers },
    'not JSON'.padEnd(1000, '.'),
  );

  expect(letter).toEqual({
    topic: 'nextmodel.receipts.dlq',
    key: 'k',
    value,
    headers: { ...headers, 'x-error': 'not JSON'.padEnd(300, '.'), 'x-source': 'nextmodel.receipts:3:12' },
  });
});
