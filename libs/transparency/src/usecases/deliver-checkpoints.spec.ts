import { afterEach, describe, expect, it } from 'vitest';
import type { CheckpointReceiver } from '../ports/checkpoint-receiver.js';
import { CheckpointDelivery } from './deliver-checkpoints.js';
import type { SignedCheckpoint } from './log-sequencer.js';

const checkpoint = (size: number, partition = 0): SignedCheckpoint => ({
  origin: `test.example/receipts/${partition}`,
  size,
  partition,
  root: new Uint8Array(32),
  note: `receipts/${partition} ${size}`,
});

describe('the delivery of checkpoints', () => {
  let running: CheckpointDelivery | null = null;
  afterEach(() => running?.stop());
  const deliver = (post: (note: string) => Promise<string | void>, everyMs = 1) => {
    const asked: string[] = [];
    const failures: string[] = [];
    const receiver: CheckpointReceiver = {
      name: 'witness.example',
      post: async (note) => {
        asked.push(note);
        return post(note);
      },
    };
    const delivery = new CheckpointDelivery(receiver, { everyMs, retryMsMin: 1, retryMsMax: 4 }, (name, error) =>
      failures.push(`${name}: ${(error as Error).message}`),
    );
    running = delivery;
    return { asked, failures, delivery };
  };

  it('brings the same checkpoint again until it is taken, then the newest', async () => {
    let away = 3;
    const { asked, failures, delivery } = deliver(async () => {
      away -= 1;
      if (away >= 0) throw new Error('answered 503');
    });
    delivery.offer(checkpoint(5));
    await expect.poll(() => delivery.counts.taken, { timeout: 5_000 }).toBe(1);
    delivery.offer(checkpoint(9));

    await expect.poll(() => delivery.counts.taken, { timeout: 5_000 }).toBe(2);
    expect(asked).toEqual([...Array(4).fill('receipts/0 5'), 'receipts/0 9']);
    expect(failures).toEqual(Array(3).fill('witness.example: answered 503'));
    expect(delivery.counts).toEqual({ taken: 2, failures: 3, waiting: 0 });
  });

  it('never brings a smaller one after a larger one, and keeps only the newest while it has to wait', async () => {
    const answer = Promise.withResolvers<void>();
    const { asked, delivery } = deliver(() => answer.promise);
    delivery.offer(checkpoint(1));
    await expect.poll(() => asked.length, { timeout: 5_000 }).toBe(1);
    for (const size of [2, 4, 3, 4]) delivery.offer(checkpoint(size));
    delivery.offer(checkpoint(7, 1));

    answer.resolve();

    await expect.poll(() => delivery.counts.taken, { timeout: 5_000 }).toBe(3);
    expect(asked.filter((note) => note.startsWith('receipts/0'))).toEqual(['receipts/0 1', 'receipts/0 4']);
    expect(asked).toContain('receipts/1 7');
  });

  it('leaves the wanted time between two of one log', async () => {
    const { asked, delivery } = deliver(async () => {}, 3_600_000);
    delivery.offer(checkpoint(1));
    await expect.poll(() => delivery.counts.taken, { timeout: 5_000 }).toBe(1);

    delivery.offer(checkpoint(2));
    delivery.offer(checkpoint(1, 1));

    await expect.poll(() => delivery.counts.taken, { timeout: 5_000 }).toBe(2);
    expect(asked).toEqual(['receipts/0 1', 'receipts/1 1']);
    expect(delivery.counts.waiting).toBe(1);
  });

  it('lets no log that is refused keep the others from their turn', async () => {
    const { asked, delivery } = deliver(async (note) => {
      if (note.startsWith('receipts/0')) throw new Error('answered 404');
    });

    delivery.offer(checkpoint(5, 0));
    delivery.offer(checkpoint(6, 1));
    await expect.poll(() => asked, { timeout: 5_000 }).toContain('receipts/1 6');
    delivery.offer(checkpoint(7, 1));
    await expect.poll(() => asked, { timeout: 5_000 }).toContain('receipts/1 7');

    expect(asked.filter((note) => note === 'receipts/1 6')).toHaveLength(1);
    expect(asked.filter((note) => note === 'receipts/0 5').length).toBeGreaterThan(0);
  });

  it('brings what was taken in part again at the usual time, and counts it as a failure', async () => {
    let rounds = 0;
    const { asked, failures, delivery } = deliver(async () => {
      rounds += 1;
      return rounds === 1 ? 'w2: answered 503' : undefined;
    });

    delivery.offer(checkpoint(5));
    await expect.poll(() => delivery.counts.taken, { timeout: 5_000 }).toBe(1);

    expect(asked).toEqual(['receipts/0 5', 'receipts/0 5']);
    expect(failures).toEqual(['witness.example: w2: answered 503']);
    expect(delivery.counts).toEqual({ taken: 1, failures: 1, waiting: 0 });
  });
});
