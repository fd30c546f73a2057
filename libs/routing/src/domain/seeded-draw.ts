/**
 * A number in [0, 1) that depends on nothing but its arguments, so that a recorded choice can be computed again.
 * FNV-1a over the characters, then a finaliser; 32 bits.
 */
function seededDraw(seed: string, round: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ round, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4294967296;
}

/**
 * A random order in which heavier entries tend to stand earlier: drawn one after the other, without putting back.
 * Entries of weight 0 are never drawn before others; they close the list in their own order.
 * @returns indexes into `weights`.
 */
export function weightedOrder(weights: readonly number[], seed: string): number[] {
  const left = weights.map((weight, index) => ({ index, weight: Number.isFinite(weight) && weight > 0 ? weight : 0 }));
  const order: number[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, entry) => sum + entry.weight, 0);
    let rest = seededDraw(seed, order.length) * total;
    let at = total === 0 ? 0 : left.findIndex((entry) => (rest -= entry.weight) < 0);
    if (at < 0) at = left.findIndex((entry) => entry.weight > 0);
    order.push(...left.splice(at, 1).map((entry) => entry.index));
  }
  return order;
}
