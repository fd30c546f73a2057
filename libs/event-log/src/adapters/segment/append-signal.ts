type Wake = (topics: ReadonlySet<string> | null) => void;

/** Tells readers of the same process that a partition directory has grown, without a trip through the file system. */
const listeners = new Map<string, Set<Wake>>();
const written = new Set<string>();

/** A writer of this process signals for the directory from now on; the result ends that. */
export function startSignalling(directory: string): () => void {
  written.add(directory);
  return () => written.delete(directory);
}

/** Does this process write the directory? Then there is no need to look at it often. */
export const isSignalled = (directory: string): boolean => written.has(directory);

/** @param topics of the records that can be read now: who waits for another topic is not woken; `null` = any. */
export function signalAppended(directory: string, topics: ReadonlySet<string> | null): void {
  const interested = listeners.get(directory);
  if (interested !== undefined) for (const wake of interested) wake(topics);
}

export function onAppended(directory: string, wake: Wake): () => void {
  const interested = listeners.get(directory) ?? new Set();
  interested.add(wake);
  listeners.set(directory, interested);
  return () => {
    interested.delete(wake);
    if (interested.size === 0) listeners.delete(directory);
  };
}
