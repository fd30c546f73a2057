/** A correction after the answer: a store that is away loses it, and whatever was not given back ends by itself. */
export function quietly(call: () => Promise<void> | void): void {
  try {
    const called = call();
    if (called instanceof Promise) called.catch(() => undefined);
  } catch {
    // As if the store had not answered.
  }
}
