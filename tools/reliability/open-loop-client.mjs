// A load client on raw keep-alive sockets. With `perSecond` an open loop: arrivals come at that rate whatever the server
// does, and a latency counts from when its request was due. Without it a closed loop over `connections`.
// node tools/reliability/open-loop-client.mjs '{"port":8080,"headers":{},"body":"…","seconds":5,"connections":32,"perSecond":900}'
// Prints one JSON line.
import net from 'node:net';

const { port, headers, body, seconds, connections, perSecond = null } = JSON.parse(process.argv[2]);
const GRACE_MS = 10_000;
/** A later answer, counted from when its request was due, is no goodput. */
const GOOD_MS = 1_000;
/** A burst is served and not refused; how the server tells a load from a burst is looked at by itself. */
const ONSET_MS = 2_000;
const payload = Buffer.from(body);
const lines = Object.entries({
  host: `127.0.0.1:${port}`,
  'content-type': 'application/json',
  'content-length': payload.length,
  ...headers,
});
const request = Buffer.concat([
  Buffer.from(
    `POST /v1/chat/completions HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`,
  ),
  payload,
]);

const accepted = [];
const refused = [];
const refusedLater = [];
const waiting = [];
const idle = [];
let [sockets, connected, offered, underWay, withRetryAfter, goodInTime] = [0, 0, 0, 0, 0, 0];
const errors = {};
const failed = (kind) => (errors[kind] = (errors[kind] ?? 0) + 1);
let [startMs, endMs] = [Infinity, Infinity];

function connect() {
  sockets += 1;
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  let dueMs = null;
  let buffer = Buffer.alloc(0);
  const send = (due) => {
    dueMs = due;
    socket.write(request);
  };
  const next = () => {
    if (waiting.length > 0) send(waiting.shift());
    else if (perSecond === null && performance.now() < endMs) arrive(send);
    else idle.push(send);
  };
  socket.on('connect', () => {
    connected += 1;
    idle.push(send);
    if (connected === connections) begin();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    sockets -= 1;
    const at = idle.indexOf(send);
    if (at >= 0) idle.splice(at, 1);
    if (dueMs === null) return;
    failed('closed');
    underWay -= 1;
  });
  socket.on('data', (chunk) => {
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
    const head = buffer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const top = buffer.subarray(0, head).toString('latin1');
    const length = Number(/content-length: (\d+)/i.exec(top)?.[1] ?? 0);
    if (buffer.length < head + 4 + length) return;
    buffer = Buffer.alloc(0);
    if (dueMs === null) return;
    settle(Number(top.slice(9, 12)), top);
    dueMs = null;
    underWay -= 1;
    next();
  });
  const settle = (status, top) => {
    const now = performance.now();
    if (status === 200) {
      accepted.push(now - dueMs);
      if (now <= endMs && now - dueMs <= GOOD_MS) goodInTime += 1;
    } else if (status === 503 || status === 429) {
      refused.push(now - dueMs);
      if (dueMs - startMs > ONSET_MS) refusedLater.push(now - dueMs);
      if (/\r\nretry-after: /i.test(top)) withRetryAfter += 1;
    } else failed(status);
  };
}

/** Not before all connections stand: what is measured is arrivals, not a storm of connections. */
function begin() {
  startMs = performance.now();
  endMs = startMs + seconds * 1_000;
  const timer = setInterval(() => {
    if (perSecond !== null) pace();
    const now = performance.now();
    if (now < endMs || (underWay > 0 && now < endMs + GRACE_MS)) return;
    clearInterval(timer);
    report();
  }, 1);
  if (perSecond === null) for (const send of idle.splice(0)) arrive(send);
}

function arrive(send, dueMs = performance.now()) {
  offered += 1;
  underWay += 1;
  send(dueMs);
}

function pace() {
  const now = performance.now();
  const due = ((Math.min(now, endMs) - startMs) / 1_000) * perSecond;
  while (offered < due) {
    // The one that has waited longest, so that none is closed for being idle.
    const send = idle.shift();
    arrive(send ?? ((at) => waiting.push(at)), startMs + (offered / perSecond) * 1_000);
  }
}

function quantile(values, q) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))].toFixed(1));
}

for (let n = 0; n < connections; n += 1) connect();

function report() {
  console.log(
    JSON.stringify({
      offeredPerSecond: Math.round(offered / seconds),
      goodPerSecond: Math.round(goodInTime / seconds),
      acceptedMs: { p50: quantile(accepted, 0.5), p99: quantile(accepted, 0.99) },
      refused: refused.length,
      refusedMs: { p50: quantile(refused, 0.5), p99: quantile(refused, 0.99), max: quantile(refused, 1) },
      refusedLaterMs: {
        p50: quantile(refusedLater, 0.5),
        p99: quantile(refusedLater, 0.99),
        max: quantile(refusedLater, 1),
      },
      withRetryAfter,
      errors: underWay > 0 ? { ...errors, unanswered: underWay } : errors,
      clientBusy: Number(performance.eventLoopUtilization().utilization.toFixed(2)),
    }),
  );
  process.exit(0);
}
