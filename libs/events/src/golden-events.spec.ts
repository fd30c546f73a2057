import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeEvent, encodeEvent } from './domain/event-codec.js';
import { EVENT_TOPIC, type EventData, type EventType } from './domain/router-event.js';

interface GoldenRecord {
  readonly topic: string;
  readonly key: string;
  /** The exact text that was once written: it must be readable for ever. */
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

const FOLDER = new URL('./__fixtures__/golden/', import.meta.url);
const FILES = readdirSync(FOLDER).toSorted();
const read = (file: string): GoldenRecord => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as GoldenRecord;
const decode = (golden: GoldenRecord) => decodeEvent({ ...golden, value: new TextEncoder().encode(golden.value) });

describe('golden files of the event catalogue', () => {
  it('hold one record of every type and version', () => {
    const types = Object.keys(EVENT_TOPIC).map((type) => `${type}.json`);

    expect(FILES).toEqual(types.toSorted());
  });

  it.each(FILES)('%s is still read as what it was', (file) => {
    const golden = read(file);

    const decoded = decode(golden);

    expect(decoded).toEqual({
      ok: true,
      event: {
        type: file.replace('.json', ''),
        id: golden.headers['ce_id'],
        source: golden.headers['ce_source'],
        time: golden.headers['ce_time'],
        data: JSON.parse(golden.value) as unknown,
      },
    });
  });

  it.each(FILES)('%s is written again with the same bytes, headers and topic', (file) => {
    const golden = read(file);
    const decoded = decode(golden);
    if (!decoded.ok) throw new Error(decoded.detail);
    const { type, id, time, data } = decoded.event;

    const again = encodeEvent(type, id, golden.key, time, data as EventData[EventType]);

    expect(again).toEqual(golden);
  });

  it.each(FILES)('%s with a field of a later minor change is read, the field kept', (file) => {
    const golden = read(file);
    const value = golden.value.replace(/}$/, ',"addedLater":{"n":1}}');

    const decoded = decode({ ...golden, value });

    expect(decoded).toMatchObject({ ok: true, event: { data: { addedLater: { n: 1 } } } });
  });

  it.each(FILES)('%s without what it is attributed by, or cut short, is malformed and nothing throws', (file) => {
    const golden = read(file);
    const names = Object.keys(JSON.parse(golden.value) as object);
    const without = (name: string): string =>
      JSON.stringify({ ...(JSON.parse(golden.value) as object), [name]: undefined });

    const refused = names.filter((name) => !decode({ ...golden, value: without(name) }).ok);

    expect(refused.length).toBeGreaterThan(0);
    expect(decode({ ...golden, value: golden.value.slice(0, -1) })).toMatchObject({ ok: false, reason: 'malformed' });
  });

  it('of another schema version or an unknown type are left to a newer reader', () => {
    const golden = read('nextmodel.receipt.sealed.v1.json');

    const newer = decode({ ...golden, headers: { ...golden.headers, ce_schemaversion: '2' } });
    const foreign = decode({ ...golden, headers: { ...golden.headers, ce_type: 'nextmodel.receipt.sealed.v2' } });
    const inherited = decode({ ...golden, headers: { ...golden.headers, ce_type: 'constructor' } });

    for (const each of [newer, foreign, inherited]) expect(each).toMatchObject({ ok: false, reason: 'unknown_type' });
  });
});
