// A load client on raw sockets. Closed loop over `connections`, for `seconds`; prints one JSON line.
// node bench/load-client.mjs '{"port":8080,"path":"/v1/chat/completions","headers":{},"connections":1,"seconds":4,"warmupSeconds":1,"stream":false,"body":"…"}'
import net from 'node:net';

const options = JSON.parse(process.argv[2]);
const { port, path, headers, connections, seconds, warmupSeconds, stream, body } = options;
const payload = Buffer.from(body);
const lines = Object.entries({
  host: `127.0.0.1:${port}`,
  'content-type': 'application/json',
  'content-length': payload.length,
  ...headers,
});
const request = Buffer.concat([
  Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`),
  payload,
]);

const startNs = process.hrtime.bigint();
const measureFromNs = startNs + BigInt(warmupSeconds * 1e9);
const endNs = measureFromNs + BigInt(seconds * 1e9);
const latencies = [];
const firstTokens = [];
const transits = [];
let worstGapMs = 0;
let errors = 0;
let open = connections;

function run() {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  let sentNs = 0n;
  let buffer = Buffer.alloc(0);
  let firstNs = 0n;
  let lastChunkNs = 0n;
  const send = () => {
    const now = process.hrtime.bigint();
    if (now >= endNs) {
      socket.destroy();
      open -= 1;
      if (open === 0) report();
      return;
    }
    sentNs = now;
    firstNs = 0n;
    lastChunkNs = 0n;
    socket.write(request);
  };
  const done = () => {
    const now = process.hrtime.bigint();
    if (sentNs >= measureFromNs && now <= endNs) {
      latencies.push(Number(now - sentNs) / 1000);
      if (firstNs > 0n) firstTokens.push(Number(firstNs - sentNs) / 1000);
    }
    send();
  };
  socket.on('connect', send);
  socket.on('error', () => (errors += 1));
  socket.on('data', (chunk) => {
    if (stream) {
      const now = process.hrtime.bigint();
      const text = chunk.toString('latin1');
      for (const match of text.matchAll(/t=(\d+)/g)) {
        if (firstNs === 0n) firstNs = now;
        if (sentNs >= measureFromNs) transits.push(Number(now - BigInt(match[1])) / 1000);
      }
      if (lastChunkNs > 0n && sentNs >= measureFromNs)
        worstGapMs = Math.max(worstGapMs, Number(now - lastChunkNs) / 1e6);
      lastChunkNs = now;
      if (text.endsWith('0\r\n\r\n')) done();
      else if (!text.startsWith('HTTP/1.1 200') && text.startsWith('HTTP/1.1')) {
        errors += 1;
        socket.destroy();
      }
      return;
    }
    buffer = buffer.length === 0 ? chunk : Buffer.concat([buffer, chunk]);
    const head = buffer.indexOf('\r\n\r\n');
    if (head < 0) return;
    const top = buffer.subarray(0, head).toString('latin1');
    const length = Number(/content-length: (\d+)/i.exec(top)?.[1] ?? 0);
    if (buffer.length < head + 4 + length) return;
    if (!top.startsWith('HTTP/1.1 200')) errors += 1;
    buffer = Buffer.alloc(0);
    done();
  });
}

function quantile(values, q) {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]);
}

function report() {
  console.log(
    JSON.stringify({
      requests: latencies.length,
      perSecond: Math.round(latencies.length / seconds),
      p50Us: quantile(latencies, 0.5),
      p99Us: quantile(latencies, 0.99),
      ttftP50Us: quantile(firstTokens, 0.5),
      ttftP99Us: quantile(firstTokens, 0.99),
      transitP50Us: quantile(transits, 0.5),
      transitP99Us: quantile(transits, 0.99),
      worstGapMs: Math.round(worstGapMs),
      errors,
    }),
  );
  process.exit(0);
}

for (let i = 0; i < connections; i += 1) run();
setTimeout(
  () => {
    errors += open;
    report();
  },
  (warmupSeconds + seconds + 10) * 1000,
).unref();
