import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type {
  BatchOutcome,
  EventLogSubscriber,
  RecordBatch,
  SubscribeOptions,
  Subscription,
} from '../ports/event-log.js';

/** Second argument of `@EventPattern`: this handler takes batches of the event log. */
export const BATCH_TRANSPORT = Symbol('event-log-batch');

export interface BatchTransportOptions extends Omit<SubscribeOptions, 'topics'> {
  readonly subscriber: EventLogSubscriber;
}

/**
 * Carries batches of the event log to the handlers of a Nest microservice:
 *
 * ```ts
 * @EventPattern<string>('nextmodel.receipts', BATCH_TRANSPORT)
 * async take(batch: RecordBatch): Promise<BatchOutcome> { … }
 * ```
 *
 * The pattern is the topic; each topic has one handler. Nothing is committed when the handler throws, rejects, or
 * returns no outcome: the same batch comes again after a growing wait. Pipes, guards, interceptors and filters apply.
 */
export class BatchTransport extends Server implements CustomTransportStrategy {
  override readonly transportId = BATCH_TRANSPORT;
  /** A failure goes to the subscriber, which waits and redelivers; Nest must not take it for handled. */
  override readonly propagatesEventHandlerErrors = true;
  readonly #options: BatchTransportOptions;
  #subscription: Subscription | null = null;

  constructor(options: BatchTransportOptions) {
    super();
    this.#options = options;
  }

  async listen(callback: (error?: unknown) => void): Promise<void> {
    let failure: unknown;
    try {
      await this.#subscribe();
    } catch (error) {
      failure = error;
    }
    callback(failure);
  }

  /** Stops after the batches in hand, with their checkpoints saved. The subscriber stays open: it is not ours. */
  async close(): Promise<void> {
    await this.#subscription?.stop();
    this.#subscription = null;
  }

  on(): never {
    throw new Error('the batch transport has no events of its own');
  }

  unwrap<T>(): T {
    return this.#options.subscriber as T;
  }

  async #subscribe(): Promise<void> {
    const { subscriber, ...options } = this.#options;
    const topics = [...this.messageHandlers.keys()];
    const doubled = topics.find((topic) => this.messageHandlers.get(topic)?.next !== undefined);
    if (doubled !== undefined) throw new Error(`two handlers for topic ${doubled}: their outcomes could differ`);
    if (topics.length === 0) return;
    this.#subscription = await subscriber.subscribe({ ...options, topics }, (batch) =>
      deliver(this.messageHandlers.get(batch.topic), batch),
    );
  }
}

async function deliver(handler: MessageHandler | undefined, batch: RecordBatch): Promise<BatchOutcome> {
  if (handler === undefined) throw new Error(`no handler for topic ${batch.topic}`);
  const result: unknown = await handler(batch);
  // Nest turns what a handler throws into an Observable that fails: awaited alone, it would count as done.
  const outcome: unknown = isObservable(result) ? await lastValueFrom(result, { defaultValue: undefined }) : result;
  if (!isOutcome(outcome)) throw new TypeError(`the handler of ${batch.topic} returned no outcome`);
  return outcome;
}

function isOutcome(value: unknown): value is BatchOutcome {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return value.kind === 'done' || (value.kind === 'again' && 'afterMs' in value && typeof value.afterMs === 'number');
}
