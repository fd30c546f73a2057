// node tools/reliability/probe.mjs
//   starts the built product with a one-file configuration in front of the fault upstream and probes it.
// node tools/reliability/probe.mjs --base <http://…/v1> --upstream <http://…> [--max-attempts 3] [--deadline 15000]
//   probes any gateway whose models `f:*` go to a fault upstream that runs already (key: the client key of the checks).
import '../typescript-hooks.mjs';
import { parseArgs } from 'node:util';

const { CHECKS } = await import('./probe-checks.ts');
const { runProbe } = await import('./run-probe.ts');
const { startFaultUpstream } = await import('./fault-upstream.ts');
const { startGateway } = await import('./gateway-process.ts');
const { faultConfiguration } = await import('./fault-configuration.ts');

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    upstream: { type: 'string' },
    only: { type: 'string' },
    'max-attempts': { type: 'string', default: '3' },
    deadline: { type: 'string', default: '15000' },
  },
});
const own = values.base === undefined ? await startFaultUpstream() : null;
const gateway =
  own === null
    ? null
    : await startGateway({ whole: true, configuration: faultConfiguration({ upstream: own.baseUrl }) });
const log = async (id) => (await fetch(`${values.upstream}/__log?id=${id}`)).json();
const upstream =
  own === null
    ? { attempts: log, canaryHits: async () => 0 }
    : { attempts: async (id) => own.seen(id), canaryHits: async () => own.canaryHits };
const only = new RegExp(values.only ?? '');

const startedMs = performance.now();
const verdicts = await runProbe(
  {
    baseUrl: values.base ?? gateway.baseUrl,
    upstream,
    maxAttempts: Number(values['max-attempts']),
    deadlineMs: Number(values.deadline),
  },
  ({ name, problem, tookMs }) =>
    console.log(
      `${problem === null ? 'PASS' : 'FAIL'} ${name} (${tookMs} ms)${problem === null ? '' : `: ${problem}`}`,
    ),
  CHECKS.filter(({ name }) => only.test(name)),
);
const failed = verdicts.filter(({ problem }) => problem !== null);
console.log(
  `${verdicts.length - failed.length}/${verdicts.length} in ${Math.round((performance.now() - startedMs) / 1000)} s`,
);
await gateway?.close();
await own?.close();
process.exit(failed.length === 0 ? 0 : 1);
