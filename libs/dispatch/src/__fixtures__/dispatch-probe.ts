import type { AttemptStarted } from '#events/domain/router-event.js';
import type { ReceiptId } from '#events/domain/ids.js';
import type { Target } from '#routing/domain/route-plan.js';
import type { AnswerSink, AttemptOutcome, AttemptRecorder, DispatchRequest, Obstacle } from '../ports/dispatcher.js';

/** A sink that keeps what it was given and can play a slow client. */
export class CollectingSink implements AnswerSink {
  body: string | null = null;
  started: { readonly provider: string; readonly model: string; readonly attempts: number } | null = null;
  readonly events: string[] = [];
  readonly usageEvents: string[] = [];
  /** Takes no more after so many events, until `drain`. */
  full = Number.POSITIVE_INFINITY;
  resume: (() => void) | null = null;
  onEvent: ((count: number) => void) | null = null;

  json(body: Uint8Array): void {
    if (this.body !== null || this.started !== null) throw new Error('a second answer');
    this.body = new TextDecoder().decode(body);
  }

  streamStarted(served: { readonly provider: string; readonly model: string; readonly attempts: number }): void {
    if (this.body !== null || this.started !== null) throw new Error('a second answer');
    this.started = served;
  }

  event(data: string, isUsage: boolean): boolean {
    if (this.started === null) throw new Error('an event before the start');
    this.events.push(data);
    if (isUsage) this.usageEvents.push(data);
    this.onEvent?.(this.events.length);
    return this.events.length < this.full;
  }

  onDrain(resume: () => void): void {
    this.resume = resume;
  }

  get text(): string {
    return this.events
      .map((data) => (JSON.parse(data) as { choices?: { delta?: { content?: string | null } }[] }).choices?.[0])
      .map((choice) => choice?.delta?.content ?? '')
      .join('');
  }
}

export class CollectingRecorder implements AttemptRecorder {
  readonly intents: AttemptStarted[] = [];
  readonly outcomes: AttemptOutcome[] = [];
  /** What `cutOff` was told, and how many intents came before it. */
  readonly obstacles: { readonly told: readonly (Obstacle | null)[]; readonly after: number }[] = [];

  constructor(private readonly onStarted: () => Promise<void> | void = () => {}) {}

  started(event: AttemptStarted): Promise<void> | void {
    this.intents.push(event);
    return this.onStarted();
  }

  cutOff(told: readonly (Obstacle | null)[]): void {
    this.obstacles.push({ told, after: this.intents.length });
  }

  finished(outcome: AttemptOutcome): void {
    this.outcomes.push(outcome);
  }
}

export const TEST_LIMITS: DispatchRequest['limits'] = {
  attemptsMax: 3,
  connectTimeoutMs: 500,
  headersTimeoutMs: 250,
  firstTokenTimeoutMs: 250,
  idleTimeoutMs: 250,
  totalTimeoutMs: 10_000,
};

export function testRequest(targets: readonly Target[], over: Partial<DispatchRequest> = {}): DispatchRequest {
  const streamed = over.streamed ?? false;
  return {
    receiptId: '01890000-0000-7000-8000-000000000001' as ReceiptId,
    api: 'chat.completions',
    body: { model: 'alias', stream: streamed, messages: [{ role: 'user', content: 'hello there' }] },
    streamed,
    clientWantsUsage: true,
    plan: {
      requestedModel: 'alias',
      resolvedModel: 'alias',
      reason: 'declared_model',
      rule: null,
      task: null,
      policyHash: '',
      strategy: 'order',
      targets,
      candidates: [],
      classifier: null,
      ignored: [],
    },
    limits: TEST_LIMITS,
    ...over,
  };
}
