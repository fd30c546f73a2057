import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SCENARIOS, statusScenario } from './fault-scenarios.js';
import { embeddingsJson } from './wire-samples.js';

/** A call that the upstream saw. */
interface UpstreamCall {
  readonly path: string;
  readonly model: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Readonly<Record<string, unknown>>;
  /** The client side closed before the answer was whole. */
  aborted: boolean;
}

export interface FaultUpstream {
  readonly port: number;
  readonly baseUrl: string;
  readonly calls: UpstreamCall[];
  /** Connections open now. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** An OpenAI-compatible upstream on a free loopback port that fails as the model's name says: `f:<scenario>[:<arg>]`. */
export async function startFaultUpstream(): Promise<FaultUpstream> {
  const calls: UpstreamCall[] = [];
  const seen = new Map<string, number>();
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      const body = parse(Buffer.concat(parts).toString('utf8'));
      const model = String(body['model'] ?? '');
      const call: UpstreamCall = { path: req.url ?? '', model, headers: req.headers, body, aborted: false };
      calls.push(call);
      res.on('close', () => {
        call.aborted = !res.writableFinished;
      });
      res.socket?.setNoDelay(true);
      const n = (seen.get(model) ?? 0) + 1;
      seen.set(model, n);
      const [, name = 'ok', arg] = model.startsWith('f:') ? model.split(':') : [];
      if (call.path.endsWith('/embeddings') && name === 'ok') {
        res.writeHead(200, { 'content-type': 'application/json' }).end(embeddingsJson());
        return;
      }
      const scenario = /^\d{3}$/.test(name) ? statusScenario(Number(name)) : SCENARIOS[name];
      if (scenario === undefined) res.writeHead(404).end();
      else void Promise.resolve(scenario({ res, streamed: body['stream'] === true, arg, n })).catch(() => res.destroy());
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    calls,
    connections: () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))),
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}
