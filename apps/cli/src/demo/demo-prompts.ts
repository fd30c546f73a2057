import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

export interface DemoCall {
  readonly prompt: string;
  readonly model: string;
  readonly stream: boolean;
  readonly label: 'first' | 'again' | 'reworded' | 'auto' | 'failover';
}

interface PromptRow {
  readonly prompt: string;
  readonly reworded?: string;
  readonly source: string;
}

/**
 * The calls of the demo, in two waves: questions, then some of them again and reworded. The prompts are real; their
 * sources and licences are in NOTICE.
 */
export async function demoCalls(): Promise<{
  readonly first: readonly DemoCall[];
  readonly second: readonly DemoCall[];
}> {
  const file = createRequire(import.meta.url).resolve('#assets/demo/prompts.jsonl');
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const first: DemoCall[] = [];
  const second: DemoCall[] = [];
  for (const [index, line] of lines.entries()) {
    const { prompt, reworded, source } = JSON.parse(line) as PromptRow;
    const asked = firstCall(prompt, source, index);
    first.push(asked);
    if (reworded !== undefined) second.push({ ...asked, prompt: reworded, label: 'reworded' });
    else if (index % 4 === 0) second.push({ ...asked, label: 'again' });
  }
  return { first, second };
}

function firstCall(prompt: string, source: string, index: number): DemoCall {
  const stream = index % 3 === 0;
  if (source === 'mt-bench' || index % 5 === 1) return { prompt, model: 'auto', stream, label: 'auto' };
  if (index % 7 === 0) return { prompt, model: 'resilient', stream, label: 'failover' };
  return { prompt, model: 'cheap', stream, label: 'first' };
}
