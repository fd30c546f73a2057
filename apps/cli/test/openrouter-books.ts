import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A provider that speaks like OpenRouter, does not tell its usage, and has it in its books afterwards. */
export interface Books {
  readonly url: string;
  /** Paths of all questions to the books. */
  readonly asked: string[];
  close(): Promise<void>;
}

const ANSWER = {
  id: 'gen-1',
  object: 'chat.completion',
  created: 1,
  model: 'some/model',
  choices: [{ index: 0, message: { role: 'assistant', content: 'four words are here' }, finish_reason: 'stop' }],
};
const GENERATION = {
  id: 'gen-1',
  total_cost: 0.0015,
  model: 'some/model',
  tokens_prompt: 12,
  tokens_completion: 26,
  native_tokens_prompt: 10,
  native_tokens_completion: 25,
  native_tokens_cached: 0,
  is_byok: false,
  cancelled: false,
};

export async function startBooks(): Promise<Books> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const books = request.method === 'GET' && (request.url ?? '').includes('/generation?');
    if (books) asked.push(request.url ?? '');
    request.resume().on('end', () => {
      const body = books ? { data: GENERATION } : request.method === 'GET' ? { data: [] } : ANSWER;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/api/v1`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
