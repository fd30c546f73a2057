import { OpenAI } from 'openai';
import { KEY } from '../../standalone/test/start-product.js';
import type { Gateway, SharedSystem } from './shared-system.js';

const PICO = 1e12;

/** What the clients of a system saw, to be compared with what its tables say. */
export class ClientLedger {
  /** Receipt id as SQL has it → picodollars. */
  readonly answers = new Map<string, bigint>();
  readonly failures: string[] = [];
  #questions = 0;

  /** One answered request, through the OpenAI SDK. */
  async ask(gateway: Gateway, options: { key?: string; question?: string; stream?: boolean } = {}): Promise<Response> {
    const number = (this.#questions += 1);
    const client = new OpenAI({ baseURL: `${gateway.baseUrl}/v1`, apiKey: options.key ?? KEY, maxRetries: 0 });
    const question = {
      model: number % 2 === 0 ? 'small' : 'large',
      messages: [{ role: 'user' as const, content: options.question ?? `question ${number}.` }],
      ...(options.question === undefined ? {} : { temperature: 0 }),
    };
    const headers = { 'x-nextmodel-tags': `question=${number}` };
    let usage: object | null | undefined;
    let response: Response;
    if (options.stream === true) {
      const streamed = { ...question, stream: true as const, stream_options: { include_usage: true } };
      const opened = await client.chat.completions.create(streamed, { headers }).withResponse();
      for await (const chunk of opened.data) usage = chunk.usage ?? usage;
      response = opened.response;
    } else {
      const whole = await client.chat.completions.create(question, { headers }).withResponse();
      usage = whole.data.usage;
      response = whole.response;
    }
    const id = (response.headers.get('x-nextmodel-receipt-id') ?? '').replace(/^rcpt_/, '');
    this.answers.set(id, BigInt(Math.round(Number((usage as { cost?: unknown } | null)?.cost) * PICO)));
    return response;
  }

  /** Keeps asking all gateways until told to stop. @returns how many were answered and how many were not. */
  load(gateways: readonly Gateway[], pauseMs = 20): { stop(): Promise<{ answered: number; failed: number }> } {
    const ending = new AbortController();
    const count = { answered: 0, failed: 0 };
    const worker = async (gateway: Gateway): Promise<void> => {
      for (let n = 0; !ending.signal.aborted; n += 1) {
        try {
          await this.ask(gateway, { stream: n % 4 === 0 });
          count.answered += 1;
        } catch (error) {
          count.failed += 1;
          this.failures.push(String(error));
        }
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    const workers = gateways.flatMap((gateway) => [worker(gateway), worker(gateway)]);
    return {
      stop: async () => {
        ending.abort();
        await Promise.all(workers);
        return count;
      },
    };
  }

  /**
   * Differences between what the clients saw and the tables; empty = every answer has its receipt with its cost to the
   * picodollar, no request has two, and each attempt that a receipt counts is there once.
   */
  async differences(system: SharedSystem): Promise<readonly string[]> {
    const rows = await system.sql(
      `SELECT receipt_id, toString(cost_usd), tags['question'], toUInt64(attempts) FROM receipts FINAL`,
    );
    const stored = new Map(rows.map(([id, cost]) => [id ?? '', cost ?? '']));
    const wrong = [...this.answers].filter(([id, cost]) => {
      const text = stored.get(id);
      return text === undefined || toPico(text) !== cost;
    });
    const doubled = rows.length - new Set(rows.map(([, , question]) => question)).size;
    const counted = rows.reduce((sum, [, , , attempts]) => sum + Number(attempts), 0);
    const attempts = Number((await system.sql('SELECT count() FROM attempts FINAL'))[0]?.[0]);
    return [
      ...wrong.slice(0, 5).map(([id, cost]) => `${id}: client ${cost}, table ${stored.get(id)}`),
      ...(wrong.length > 0 ? [`${wrong.length} of ${this.answers.size} differ`] : []),
      ...(doubled === 0 ? [] : [`${doubled} requests have a second receipt`]),
      ...(attempts === counted ? [] : [`${attempts} attempts in the table, ${counted} in the receipts`]),
    ];
  }

  /** Of all answers, in picodollars. */
  get sumPico(): bigint {
    return [...this.answers.values()].reduce((sum, cost) => sum + cost, 0n);
  }
}

/** `0.0025` US dollars → 2500000000n picodollars. */
export function toPico(usd: string): bigint {
  const [whole = '0', part = ''] = usd.split('.');
  return BigInt(whole) * 10n ** 12n + BigInt(part.padEnd(12, '0').slice(0, 12));
}
