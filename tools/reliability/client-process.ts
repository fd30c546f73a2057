import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Question, Told } from './real-clients.js';

export const CLIENT_NAMES = ['openai', 'openai, iterated', 'AI SDK', 'LangChain'] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/** What a client did: it told something, or it threw. */
export type Outcome =
  | { readonly told: Told }
  | {
      readonly error: string;
      /** HTTP status that the client put on its error. */
      readonly status: number | null;
    };

export interface ClientProcess {
  ask(
    name: ClientName,
    at: { readonly baseUrl: string; readonly key: string },
    how: 'whole' | 'streamed',
    question: Question,
  ): Promise<Outcome>;
  close(): void;
}

/** Starts the clients' process. */
export async function startClients(): Promise<ClientProcess> {
  const child = fork(fileURLToPath(new URL('client-process-main.mjs', import.meta.url)), [], { execArgv: [] });
  const waiting = new Map<number, (outcome: Outcome) => void>();
  let count = 0;
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the clients' process ended with ${code}`)));
    child.on('message', (message: { readonly ready?: boolean; readonly n: number } & Outcome) => {
      if (message.ready === true) resolve();
      else waiting.get(message.n)?.(message);
    });
  });
  return {
    ask: (name, { baseUrl, key }, how, question) =>
      new Promise((resolve) => {
        count += 1;
        waiting.set(count, resolve);
        child.send({ n: count, name, baseUrl, key, how, question });
      }),
    close: () => child.disconnect(),
  };
}
