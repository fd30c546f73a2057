import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runAborts } from '../../../../tools/reliability/abort-storm.js';
import { faultConfiguration } from '../../../../tools/reliability/fault-configuration.js';
import { startFaultUpstream, type FaultUpstream } from '../../../../tools/reliability/fault-upstream.js';
import { startGateway, type GatewayProcess } from '../../../../tools/reliability/gateway-process.js';
import { callGateway } from '../../../../tools/reliability/http-call.js';

const ABORTS = process.env['RELIABILITY'] === 'long' ? 1_000 : 110;

let upstream: FaultUpstream;
let gateway: GatewayProcess;

beforeAll(async () => {
  upstream = await startFaultUpstream();
  gateway = await startGateway({
    configuration: faultConfiguration({ upstream: upstream.baseUrl, phaseTimeoutMs: 10_000, totalTimeoutMs: 20_000 }),
    nodeFlags: ['--unhandled-rejections=strict'],
  });
});
afterAll(async () => {
  await gateway?.close();
  await upstream?.close();
});

describe('callers that leave in every phase', () => {
  it(`end ${ABORTS} calls upstream within 250 ms and leave no connection behind`, async () => {
    const report = await runAborts(gateway, upstream, ABORTS);

    expect(report.open).toBe(0);
    expect(report.closedMs.p99).toBeLessThanOrEqual(250);
    expect(report.closedMs.max).toBeLessThanOrEqual(1_000);
    expect(report.descriptors[1] - report.descriptors[0]).toBeLessThanOrEqual(8);
    expect(report.upstreamSockets).toBeLessThanOrEqual(8);
    if (ABORTS > 500) console.log(JSON.stringify(report));
  });

  it('frees every place that they held, and nothing was unhandled', async () => {
    const metrics = await (await fetch(`${gateway.origin}/metrics`)).text();
    const after = await callGateway(gateway.baseUrl, 'f:ok');

    expect(/^nextmodel_requests_in_flight\S* 0$/m.test(metrics) || /in_flight\S* 0$/m.test(metrics)).toBe(true);
    expect([gateway.exit, after.status]).toEqual([null, 200]);
    expect(gateway.output).not.toMatch(/unhandled|failed inside the gateway/i);
  });
});
