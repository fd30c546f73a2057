import { join } from 'node:path';

/** Beside the tables they belong to: whoever deletes the view deletes how far it had come. */
export function ingesterCheckpoints(clickhouseDirectory: string): string {
  return join(clickhouseDirectory, 'checkpoints');
}
