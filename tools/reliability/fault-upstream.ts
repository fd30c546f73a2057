import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { embeddingsJson } from '../../libs/dispatch/src/__fixtures__/wire-samples.js';
import { findScenario } from './fault-scenarios.js';

/** One call as the upstream saw it. */
export interface SeenCall {
  /** Of the request: what follows a `T` in its last user message. `-` without one. */
  readonly id: string;
  readonly scenario: string;
  /** As it stood in the body. */
  readonly model: string;
  /** How often this request came with this model, from 1. */
  readonly n: number;
  readonly atMs: number;
  readonly authorization: string | null;
  readonly bodyBytes: number;
  readonly headerNames: readonly string[];
  /** Milliseconds until the caller closed before the answer was whole; `null` when it was whole or is open. */
  closedMs: number | null;
  finished: boolean;
}

export interface FaultUpstream {
  readonly port: number;
  readonly baseUrl: string;
  readonly calls: SeenCall[];
  /** Calls of one request, in order. */
  seen(id: string): readonly SeenCall[];
  /** Sockets open now. */
  readonly sockets: number;
  /** Hits of the address that a followed redirect would reach. */
  readonly canaryHits: number;
  /** From now on calls of this model are answered as `f:<scenario>` would be; `null` = as its name says again. */
  become(model: string, scenario: string | null): void;
  /** From now on this key gets a 401. */
  refuse(key: string): void;
  reset(): void;
  close(): Promise<void>;
}

export interface FaultUpstreamOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Calls that are kept; default 200,000, the oldest half goes when there are more. */
  readonly callsMax?: number;
}

/**
 * An OpenAI-compatible server on loopback that does what the model's name says: `f:<scenario>[:<argument>]`. Anything
 * else is answered well. `GET /__log?id=` tells over HTTP what it saw.
 */
export async function startFaultUpstream(options: FaultUpstreamOptions = {}): Promise<FaultUpstream> {
  const { callsMax = 200_000 } = options;
  const calls: SeenCall[] = [];
  const byId = new Map<string, SeenCall[]>();
  const times = new Map<string, number>();
  const sockets = new Set<Socket>();
  const roles = new Map<string, string>();
  const refused = new Set<string>();
  let canaryHits = 0;

  const reset = (): void => {
    calls.length = 0;
    byId.clear();
    times.clear();
    canaryHits = 0;
  };
  const note = (call: SeenCall): void => {
    if (calls.length >= callsMax) {
      for (const old of calls.splice(0, callsMax / 2)) byId.delete(old.id);
      times.clear();
    }
    calls.push(call);
    const same = byId.get(call.id);
    if (same === undefined) byId.set(call.id, [call]);
    else same.push(call);
  };

  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const url = new URL(req.url ?? '/', 'http://upstream');
    if (url.pathname === '/canary') canaryHits += 1;
    if (url.pathname === '/__log') {
      const id = url.searchParams.get('id');
      res.end(JSON.stringify(id === null ? calls : (byId.get(id) ?? [])));
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    const raw = Buffer.concat(parts);
    const body = parse(raw.toString('utf8'));
    const model = String(body['model'] ?? '');
    const role = refused.has(req.headers.authorization ?? '') ? 'f:401' : (roles.get(model) ?? model);
    const [, scenarioName = 'ok', argument] = role.startsWith('f:') ? role.split(':') : [];
    const id = /T([A-Za-z0-9_-]+)/.exec(lastText(body))?.[1] ?? '-';
    const key = `${id}|${model}`;
    const n = (times.get(key) ?? 0) + 1;
    times.set(key, n);
    const startedMs = performance.now();
    const call: SeenCall = {
      id,
      scenario: scenarioName,
      model,
      n,
      atMs: Date.now(),
      authorization: req.headers.authorization ?? null,
      bodyBytes: raw.byteLength,
      headerNames: Object.keys(req.headers),
      closedMs: null,
      finished: false,
    };
    note(call);
    res.on('close', () => {
      call.finished = res.writableFinished;
      if (!call.finished) call.closedMs = performance.now() - startedMs;
    });
    res.socket?.setNoDelay(true);
    if (url.pathname.endsWith('/models')) {
      res.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"list","data":[]}');
      return;
    }
    if (url.pathname.endsWith('/embeddings') && scenarioName === 'ok') {
      res.writeHead(200, { 'content-type': 'application/json' }).end(embeddingsJson());
      return;
    }
    const scenario = findScenario(scenarioName);
    if (scenario === undefined) {
      res.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such scenario"}}');
      return;
    }
    const arg =
      scenarioName === 'redirect'
        ? String((server.address() as AddressInfo).port)
        : scenarioName === 'echo'
          ? id
          : argument;
    await scenario({ res, streamed: body['stream'] === true, arg, n });
  };

  const server = createServer((req, res) => {
    res.on('error', () => undefined);
    serve(req, res).catch(() => res.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((listening) => server.listen(options.port ?? 0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    baseUrl: `http://127.0.0.1:${port}/v1`,
    calls,
    seen: (id) => byId.get(id) ?? [],
    get sockets() {
      return sockets.size;
    },
    get canaryHits() {
      return canaryHits;
    },
    become: (model, scenario) => {
      if (scenario === null) roles.delete(model);
      else roles.set(model, `f:${scenario}`);
    },
    refuse: (key) => void refused.add(`Bearer ${key}`),
    reset,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function lastText(body: Readonly<Record<string, unknown>>): string {
  const { messages, input } = body as { messages?: unknown; input?: unknown };
  const last: unknown = Array.isArray(messages) ? (messages.at(-1) as unknown) : input;
  return typeof last === 'string' ? last : JSON.stringify(last ?? '');
}
