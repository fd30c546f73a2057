import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A provider whose models say how large, how late or how odd their answers are. */
export interface LargeUpstream {
  readonly port: number;
  readonly baseUrl: string;
  /** Models that were asked, in order. */
  readonly asked: readonly string[];
  /** Answers all that wait with `held`. */
  release(): void;
  /** Streams under way. */
  streams(): number;
  close(): Promise<void>;
}

/**
 * `json:<n>` a JSON answer of n bytes and some; `late:<ms>` one after so long;
 * `held` one after `release`; `event:<n>` a stream whose second event
 * has n bytes and some; `endless` a stream without end, as fast as it is taken; `redirect:<status>` to `elsewhere`.
 */
export async function startLargeUpstream(elsewhere = ''): Promise<LargeUpstream> {
  const asked: string[] = [];
  let streams = 0;
  const held: (() => void)[] = [];
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { model } = JSON.parse(Buffer.concat(parts).toString('utf8')) as { model: string };
    asked.push(model);
    const [kind, size = '0'] = model.split(':') as [string, string?];
    if (kind === 'redirect') {
      response.writeHead(Number(size), { location: elsewhere }).end();
    } else if (kind === 'endless' || kind === 'event') {
      streams += 1;
      response.on('close', () => (streams -= 1));
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk(model, 'first'));
      if (kind === 'event') {
        response.end(`${chunk(model, 'x'.repeat(Number(size)))}${chunk(model, '', 'stop')}data: [DONE]\n\n`);
        return;
      }
      while (!response.destroyed) {
        if (!response.write(chunk(model, 'y'.repeat(16_384)))) {
          // Never, when the other side leaves.
          await new Promise((resolve) => response.once('drain', resolve));
        }
      }
    } else {
      if (kind === 'late') await sleep(Number(size));
      if (kind === 'held') await new Promise<void>((resolve) => held.push(resolve));
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(completion(model, kind === 'json' ? 'x'.repeat(Number(size)) : 'late'));
    }
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    asked,
    release: () => {
      for (const resolve of held.splice(0)) resolve();
    },
    streams: () => streams,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const USAGE = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };

function completion(model: string, content: string): string {
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
  return JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model, choices, usage: USAGE });
}

function chunk(model: string, content: string, reason: string | null = null): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: reason }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, choices })}\n\n`;
}
