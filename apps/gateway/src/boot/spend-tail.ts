import { TOPICS } from '#events/domain/topics.js';
import type { EventLogReader } from '#event-log/ports/event-log.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { tailTopic, type TopicTail } from '../tail-topic.js';
import type { KeyLimits } from './key-limits.js';

/** Follows the receipts of all gateways once a key has a budget: what was spent is a replay of them. */
export class SpendTail {
  #tail: Promise<TopicTail> | null = null;

  constructor(
    private readonly reader: EventLogReader,
    private readonly limits: KeyLimits,
    private readonly logger: Logger,
  ) {}

  /** Idempotent. */
  start(): void {
    this.limits.countSpend();
    this.#tail ??= tailTopic(
      this.reader,
      TOPICS.receipts,
      (event) => this.limits.applyEvent(event),
      (error) => this.logger.warn({ err: error }, 'receipts could not be followed for budgets'),
      0,
    );
  }

  async stop(): Promise<void> {
    await (await this.#tail)?.stop();
  }
}
