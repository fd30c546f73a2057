/** Tells readers of the same process that a partition directory has grown, without a trip through the file system. */
const listeners = new Map<string, Set<() => void>>();

export function signalAppended(directory: string): void {
  const interested = listeners.get(directory);
  if (interested !== undefined) for (const wake of interested) wake();
}

export function onAppended(directory: string, wake: () => void): () => void {
  const interested = listeners.get(directory) ?? new Set();
  interested.add(wake);
  listeners.set(directory, interested);
  return () => {
    interested.delete(wake);
    if (interested.size === 0) listeners.delete(directory);
  };
}
