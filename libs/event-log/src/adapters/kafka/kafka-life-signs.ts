import type { Consumer } from 'kafkajs';

const LOOK_MS = 1_000;

/** No fetch and no heartbeat was answered for longer than the group waits for a member. */
export class KafkaSilence extends Error {
  override readonly name = 'KafkaSilence';
}

/**
 * Tells an outage that a consumer waits out: kafkajs has no event for a try that failed, so what is watched is that
 * nothing succeeds. An idle consumer fetches several times a second, and one in a long handler sends heartbeats.
 * @param silentMs how long nothing may succeed.
 * @param report told of the silence, once, and without an error of its end.
 * @returns ends it.
 */
export function watchLifeSigns(
  consumer: Pick<Consumer, 'on' | 'events'>,
  silentMs: number,
  report: (error?: unknown) => void,
): () => void {
  const { FETCH, HEARTBEAT, GROUP_JOIN } = consumer.events;
  let lastMs = performance.now();
  let silent = false;
  const note = (): void => {
    lastMs = performance.now();
    if (!silent) return;
    silent = false;
    report();
  };
  const removers = [consumer.on(FETCH, note), consumer.on(HEARTBEAT, note), consumer.on(GROUP_JOIN, note)];
  const timer = setInterval(() => {
    if (silent || performance.now() - lastMs < silentMs) return;
    silent = true;
    report(new KafkaSilence(`nothing was answered for ${silentMs} ms`));
  }, LOOK_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    for (const remove of removers) remove();
  };
}
