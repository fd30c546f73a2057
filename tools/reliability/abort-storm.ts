import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultUpstream } from './fault-upstream.js';
import { CLIENT_KEY, type GatewayProcess } from './gateway-process.js';
import { callGateway, newId, type CallOptions } from './http-call.js';
import { inParallel, quantile } from './in-parallel.js';

/** Phases in which a caller leaves: what the upstream is doing, and when. */
const PHASES: readonly (readonly [model: string, options: () => CallOptions])[] = [
  ['f:hang', () => ({ leaveAfterMs: 20 + Math.random() * 60 })],
  ['f:hang', () => ({ stream: true, leaveAfterMs: 20 + Math.random() * 60 })],
  ['f:hangbody', () => ({ leaveAfterMs: 20 + Math.random() * 60 })],
  ['f:hangbody', () => ({ stream: true, leaveAfterMs: 20 + Math.random() * 60 })],
  ['f:slow:3000', () => ({ leaveAfterMs: 20 + Math.random() * 60 })],
  ['f:s_slow:400', () => ({ stream: true, leaveAtFirstByte: true })],
  ['f:s_slow:400', () => ({ stream: true, leaveAfterMs: 100 + Math.random() * 400 })],
  ['f:s_infinite', () => ({ stream: true, leaveAtFirstByte: true })],
  ['f:s_infinite', () => ({ stream: true, leaveAfterMs: 40 + Math.random() * 60 })],
  ['f:hang', () => ({ leaveAfterMs: Math.random() * 4 })],
];
const OPEN_MS_MAX = 3_000;

export interface AbortReport {
  readonly aborts: number;
  /** Calls that were still open upstream when the time was over. */
  readonly open: number;
  /** From the caller's leaving until the upstream saw its connection close. */
  readonly closedMs: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Of the gateway process, before and after. */
  readonly descriptors: readonly [before: number, after: number];
  readonly upstreamSockets: number;
}

/** Leaves `count` requests in the middle, in all phases, and watches their calls upstream. */
export async function runAborts(gateway: GatewayProcess, upstream: FaultUpstream, count: number): Promise<AbortReport> {
  await callGateway(gateway.baseUrl, 'f:ok');
  const before = gateway.usage().descriptors;
  const leftAt = new Map<string, number>();
  await inParallel(count, 16, async (at) => {
    if (at % 11 === 10) return leaveInBody(gateway.port);
    const [model, options] = PHASES[at % PHASES.length] as (typeof PHASES)[number];
    const { id, leftAtMs } = await callGateway(gateway.baseUrl, model, options());
    leftAt.set(id, leftAtMs ?? Date.now());
  });
  const calls = () => upstream.calls.filter(({ id }) => leftAt.has(id));
  const open = () => calls().filter(({ closedMs, finished }) => closedMs === null && !finished);
  const deadline = performance.now() + OPEN_MS_MAX;
  while (open().length > 0 && performance.now() < deadline) await sleep(20);
  const closedMs = calls().map((call) =>
    Math.max(0, call.atMs + (call.closedMs ?? Infinity) - (leftAt.get(call.id) ?? 0)),
  );
  await sleep(500);
  return {
    aborts: count,
    open: open().length,
    closedMs: { p50: quantile(closedMs, 0.5), p99: quantile(closedMs, 0.99), max: Math.max(0, ...closedMs) },
    descriptors: [before, gateway.usage().descriptors],
    upstreamSockets: upstream.sockets,
  };
}

/** Announces a body, sends half of it and is gone. */
function leaveInBody(port: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${CLIENT_KEY}\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"model":"f:ok","messages":[{"role":"user","content":"T${newId()}`,
      );
      setTimeout(() => socket.destroy(), 10);
    });
    socket.on('error', () => undefined).on('close', () => resolve());
  });
}
