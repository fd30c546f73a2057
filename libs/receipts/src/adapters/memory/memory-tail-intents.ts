import type { TailIntent, TailIntentStore } from '../../ports/tail-intent-store.js';

/** Intents in memory: enough for a rebuild, which starts anew after a crash. */
export class MemoryTailIntents implements TailIntentStore {
  readonly #intents = new Map<number, TailIntent>();

  async load(partition: number): Promise<TailIntent | null> {
    return this.#intents.get(partition) ?? null;
  }

  async save(intent: TailIntent): Promise<void> {
    this.#intents.set(intent.partition, intent);
  }
}
