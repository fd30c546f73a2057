import { join } from 'node:path';
import type { EnvironmentSettings } from '#config/domain/settings.js';

/** The tree is a view that can be deleted and rebuilt; the key is a secret that cannot. */
export function transparencyPaths({
  dataDir,
  transparencyDir,
}: Pick<EnvironmentSettings, 'dataDir' | 'transparencyDir'>): { readonly directory: string; readonly keyFile: string } {
  return {
    directory: transparencyDir ?? join(dataDir, 'transparency'),
    keyFile: join(dataDir, 'secrets', 'transparency-key'),
  };
}

/** Held by the one sequencer that works in the folder. */
export const SEQUENCER_LOCK = 'sequencer.lock';
