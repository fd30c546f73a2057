import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { CHECKS, type ProbeTarget } from '../../../../tools/reliability/probe-checks.js';
import { runProbe } from '../../../../tools/reliability/run-probe.js';

let upstream: FaultUpstream;
let gateway: GatewayProcess;
let target: ProbeTarget;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({ upstream: upstream.baseUrl, phaseTimeoutMs: 600 }),
  });
  const seen = { attempts: async (id: string) => upstream.seen(id), canaryHits: async () => upstream.canaryHits };
  target = { baseUrl: gateway.baseUrl, upstream: seen, maxAttempts: 3, deadlineMs: 12_000 };
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

describe('the probe against a gateway in front of a failing provider', () => {
  it.each(CHECKS.map((check) => [check.name, check] as const))('%s', async (_name, check) => {
    const problem = await check.run(target);

    expect(problem).toBeNull();
  });

  it('has at least a hundred checks, each with a name of its own', () => {
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
    expect(CHECKS.length).toBeGreaterThanOrEqual(100);
  });

  it('leaves nothing unhandled behind', () => {
    expect(gateway.exit).toBeNull();
    expect(gateway.output).not.toMatch(/unhandled|failed inside the gateway/i);
  });
});

describe('the probe itself', () => {
  it('passes no check against a gateway that is down', async () => {
    const nobody = { attempts: async () => [], canaryHits: async () => 0 };

    const verdicts = await runProbe({
      baseUrl: 'http://127.0.0.1:1/v1',
      upstream: nobody,
      maxAttempts: 3,
      deadlineMs: 2_000,
    });

    expect(verdicts.filter(({ problem }) => problem === null)).toEqual([]);
  });
});
