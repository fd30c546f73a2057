import { join } from 'node:path';

/** The tree is a view that can be deleted and rebuilt; the key is a secret that cannot. */
export function transparencyPaths(dataDir: string): { readonly directory: string; readonly keyFile: string } {
  return { directory: join(dataDir, 'transparency'), keyFile: join(dataDir, 'secrets', 'transparency-key') };
}
