// node tools/reliability/fault-upstream-server.mjs [port]
// The fault upstream as a server: model `f:<scenario>[:<argument>]`, attempts at GET /__log?id=<id>.
import '../typescript-hooks.mjs';

const { startFaultUpstream } = await import('./fault-upstream.ts');
const { SCENARIO_NAMES } = await import('./fault-scenarios.ts');
const upstream = await startFaultUpstream({ port: Number(process.argv[2] ?? 9901) });
console.log(`${SCENARIO_NAMES.length} scenarios and all statuses at ${upstream.baseUrl}`);
