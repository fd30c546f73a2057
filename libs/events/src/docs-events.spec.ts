import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EVENT_TOPIC, type EventType } from './domain/router-event.js';
import { ALL_TOPICS } from './domain/topics.js';

const CATALOGUE = readFileSync(new URL('../../../docs/events.md', import.meta.url), 'utf8');
const TYPES = Object.keys(EVENT_TOPIC) as EventType[];
/** Heading → text until the next heading of the same level. */
const SECTIONS = new Map(
  CATALOGUE.split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section] as const),
);

function goldenFields(type: EventType): readonly string[] {
  const file = new URL(`./__fixtures__/golden/${type}.json`, import.meta.url);
  const { value } = JSON.parse(readFileSync(file, 'utf8')) as { readonly value: string };
  return Object.keys(JSON.parse(value) as object);
}

describe('docs/events.md', () => {
  it('has a section for every event type and for nothing else', () => {
    expect([...SECTIONS.keys()].toSorted()).toEqual(TYPES.toSorted());
  });

  it('names no event type that does not exist', () => {
    const named = new Set(CATALOGUE.match(/\bnextmodel\.\w+\.\w+\.v\d+\b/g));

    expect([...named].toSorted()).toEqual(TYPES.toSorted());
  });

  it('names every topic', () => {
    const missing = ALL_TOPICS.filter((topic) => !CATALOGUE.includes(`| \`${topic}\` |`));

    expect(missing).toEqual([]);
  });

  it.each(TYPES)('says the topic and every field of %s', (type) => {
    const section = SECTIONS.get(type) ?? '';

    const missing = goldenFields(type).filter((field) => !section.includes(`\`${field}\``));

    expect(section).toContain(`\`${EVENT_TOPIC[type]}\``);
    expect(missing).toEqual([]);
  });
});
