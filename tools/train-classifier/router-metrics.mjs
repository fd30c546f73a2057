// APGR and CPT, the exact form: every threshold counts, a tie group is a straight line, so a constant score is 0.5.

const mean = (values) => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
};

export function routerMetrics(score, weak, strong) {
  const n = score.length;
  const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => score[b] - score[a]);
  const low = mean(weak),
    high = mean(strong),
    gap = high - low;
  const points = [[0, low]];
  let quality = low * n;
  for (let i = 0; i < n;) {
    let j = i;
    for (; j < n && score[order[j]] === score[order[i]]; j++) quality += strong[order[j]] - weak[order[j]];
    points.push([j / n, quality / n]);
    i = j;
  }
  let area = 0;
  for (let i = 1; i < points.length; i++)
    area += ((points[i][0] - points[i - 1][0]) * (points[i][1] + points[i - 1][1])) / 2;
  const callsFor = (share) => {
    const target = low + share * gap;
    for (let i = 1; i < points.length; i++) {
      if (points[i][1] < target) continue;
      const [x0, y0] = points[i - 1],
        [x1, y1] = points[i];
      return y1 === y0 ? x1 : x0 + ((x1 - x0) * (target - y0)) / (y1 - y0);
    }
    return 1;
  };
  return { apgr: (area - low) / gap, cpt50: callsFor(0.5), cpt80: callsFor(0.8) };
}

/** Mulberry32: numbers in [0, 1) from a fixed seed. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** 95% interval of APGR over resampled questions. */
export function bootstrapInterval(score, weak, strong, rounds = 200, seed = 1) {
  const random = seeded(seed),
    n = score.length,
    found = [];
  const s = new Float64Array(n),
    w = new Float64Array(n),
    t = new Float64Array(n);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < n; i++) {
      const k = Math.floor(random() * n);
      s[i] = score[k];
      w[i] = weak[k];
      t[i] = strong[k];
    }
    found.push(routerMetrics(s, w, t).apgr);
  }
  found.sort((a, b) => a - b);
  return [found[Math.floor(rounds * 0.025)], found[Math.floor(rounds * 0.975)]];
}
