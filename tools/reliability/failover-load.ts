import { Agent } from 'node:http';
import { callGateway } from './http-call.js';
import { inParallel, quantile } from './in-parallel.js';

export interface LoadNumbers {
  readonly requests: number;
  readonly succeeded: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Sends JSON requests, some at once over kept connections. The first `warmUp` of them do not count as times. */
export async function measureLoad(baseUrl: string, model: string, requests: number, warmUp = 50): Promise<LoadNumbers> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const times: number[] = [];
  let succeeded = 0;
  try {
    await inParallel(requests, 8, async (at) => {
      const result = await callGateway(baseUrl, model, { agent });
      if (result.status === 200) succeeded += 1;
      if (at >= warmUp) times.push(result.tookMs);
    });
  } finally {
    agent.destroy();
  }
  return { requests, succeeded, p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99) };
}
