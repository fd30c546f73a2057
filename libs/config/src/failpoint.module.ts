import { arm, FAILPOINTS, type Failpoint } from '#events/ports/failpoint.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A point and which of its passages kills, counted from 1; `null` when there is none. */
export function readFailpoint(env: Environment): { readonly point: Failpoint; readonly at: number } | null {
  const [name = '', count = '1'] = (env['FAILPOINT'] ?? '').split(':');
  const point = FAILPOINTS.find((known) => known === name);
  const at = Number(count);
  return point === undefined || !Number.isInteger(at) || at < 1 ? null : { point, at };
}

/** `FAILPOINT=<name>:<n>`: this process kills itself with SIGKILL when it passes the point for the n-th time. */
export function armFailpoint(
  env: Environment = process.env,
  die: () => void = () => process.kill(process.pid, 'SIGKILL'),
): void {
  const wanted = readFailpoint(env);
  if (wanted === null) return;
  let passages = 0;
  arm((point) => {
    if (point === wanted.point && (passages += 1) === wanted.at) die();
  });
}

/** What a supervisor hands on to the first life of a child; its next life must not die of the same. */
export function failpointVariables(env: Environment = process.env): Record<string, string> {
  const text = env['FAILPOINT'];
  return text === undefined || readFailpoint(env) === null ? {} : { FAILPOINT: text };
}
