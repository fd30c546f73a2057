import type { EventLogWriter } from '#event-log/ports/event-log.js';
import { encodeEvent } from '#events/domain/event-codec.js';
import type { Clock } from '#events/ports/clock.js';

/** Appends `checkpoint.published`. The same checkpoint twice has the same event id; views take the first. */
export function checkpointPublisher(
  log: EventLogWriter,
  clock: Clock,
  onFailure: (error: unknown) => void,
): (origin: string, size: number, note: string) => void {
  const last = new Map<string, string>();
  return (origin, size, note) => {
    if (last.get(origin) === note) return;
    last.set(origin, note);
    const time = new Date(clock.nowMs()).toISOString();
    const type = 'nextmodel.checkpoint.published.v1';
    const record = encodeEvent(type, `${origin}@${size}`, origin, time, { origin, note });
    log.append([record], 'soon').written.catch(onFailure);
  };
}
