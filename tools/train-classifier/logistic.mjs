// Logistic regression on sparse rows, L2, by L-BFGS: no learning rate, no shuffling, the same bytes every time.

/** @param rows { start: Uint32Array, index: Uint16Array, value: Float32Array } in compressed form; `pick` = row numbers */
export function fitLogistic(rows, pick, labels, dimensions, { l2, iterations = 40, memory = 8 }) {
  const size = dimensions + 1; // the last one is the intercept, which is not shrunk
  let weights = new Float64Array(size);
  const mean = pick.reduce((sum, row) => sum + labels[row], 0) / pick.length;
  const start = Math.min(Math.max(mean, 1e-3), 1 - 1e-3);
  weights[dimensions] = Math.log(start / (1 - start));
  const objective = (w, gradient) => {
    let loss = 0;
    gradient.fill(0);
    for (const row of pick) {
      let z = w[dimensions];
      for (let j = rows.start[row]; j < rows.start[row + 1]; j++) z += w[rows.index[j]] * rows.value[j];
      const p = 1 / (1 + Math.exp(-z));
      loss += z > 0 ? z * (1 - labels[row]) + Math.log1p(Math.exp(-z)) : -z * labels[row] + Math.log1p(Math.exp(z));
      const d = p - labels[row];
      for (let j = rows.start[row]; j < rows.start[row + 1]; j++) gradient[rows.index[j]] += d * rows.value[j];
      gradient[dimensions] += d;
    }
    for (let k = 0; k < dimensions; k++) {
      loss += 0.5 * l2 * w[k] * w[k];
      gradient[k] += l2 * w[k];
    }
    return loss;
  };
  const dot = (a, b) => {
    let s = 0;
    for (let k = 0; k < size; k++) s += a[k] * b[k];
    return s;
  };
  let gradient = new Float64Array(size);
  let loss = objective(weights, gradient);
  const pairs = [];
  for (let step = 0; step < iterations; step++) {
    const direction = gradient.map((g) => -g);
    const alphas = [];
    for (let i = pairs.length - 1; i >= 0; i--) {
      const { s, y, rho } = pairs[i];
      alphas[i] = rho * dot(s, direction);
      for (let k = 0; k < size; k++) direction[k] -= alphas[i] * y[k];
    }
    const last = pairs.at(-1);
    const scale = last
      ? dot(last.s, last.y) / dot(last.y, last.y)
      : 1 / Math.max(1, Math.sqrt(dot(gradient, gradient)));
    for (let k = 0; k < size; k++) direction[k] *= scale;
    for (let i = 0; i < pairs.length; i++) {
      const { s, y, rho } = pairs[i];
      const beta = rho * dot(y, direction);
      for (let k = 0; k < size; k++) direction[k] += (alphas[i] - beta) * s[k];
    }
    const slope = dot(gradient, direction);
    let length = 1;
    let next, nextGradient, nextLoss;
    for (let tries = 0; tries < 12; tries++, length /= 2) {
      next = weights.map((w, k) => w + length * direction[k]);
      nextGradient = new Float64Array(size);
      nextLoss = objective(next, nextGradient);
      if (nextLoss <= loss + 1e-4 * length * slope) break;
    }
    const s = next.map((w, k) => w - weights[k]);
    const y = nextGradient.map((g, k) => g - gradient[k]);
    const sy = dot(s, y);
    if (sy > 1e-12) {
      pairs.push({ s, y, rho: 1 / sy });
      if (pairs.length > memory) pairs.shift();
    }
    const gained = loss - nextLoss;
    weights = next;
    gradient = nextGradient;
    loss = nextLoss;
    if (!(gained > 1e-5 * Math.abs(loss))) break;
  }
  return weights;
}

export function predictLogit(rows, row, weights) {
  const dimensions = weights.length - 1;
  let z = weights[dimensions];
  for (let j = rows.start[row]; j < rows.start[row + 1]; j++) z += weights[rows.index[j]] * rows.value[j];
  return z;
}
