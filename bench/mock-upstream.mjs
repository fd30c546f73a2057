// A mock upstream on raw sockets, so that it costs little beside what is measured. Answers any POST with about 1 KB of
// JSON with usage; a body with "stream":true with an SSE stream whose chunks carry their time of sending (t=<ns>).
// node bench/mock-upstream.mjs [chunks=50] [gapMs=10]; prints its port.
import net from 'node:net';

const chunkCount = Number(process.argv[2] ?? 50);
const gapMs = Number(process.argv[3] ?? 10);
const text = 'The quick brown fox jumps over the lazy dog. '.repeat(15);
const usage = {
  prompt_tokens: 250,
  completion_tokens: 150,
  total_tokens: 400,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0 },
};
const body = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1,
  model: 'bench',
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage,
});
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
);
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const frame = (data) => `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
const event = (delta, finish, more = {}) =>
  frame(
    `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [{ index: 0, delta, finish_reason: finish }], ...more })}\n\n`,
  );

function stream(socket) {
  socket.write(HEAD + event({ role: 'assistant', content: '' }, null));
  let sent = 0;
  const timer = setInterval(() => {
    if (socket.destroyed) return clearInterval(timer);
    if (sent < chunkCount) {
      sent += 1;
      socket.write(event({ content: `t=${process.hrtime.bigint()} some words ` }, null));
      return;
    }
    clearInterval(timer);
    const last = frame(
      `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1, model: 'bench', choices: [], usage })}\n\n`,
    );
    socket.write(event({}, 'stop') + last + frame('data: [DONE]\n\n') + '0\r\n\r\n');
  }, gapMs);
}

const server = net.createServer({ noDelay: true }, (socket) => {
  let pending = '';
  socket.on('data', (chunk) => {
    pending += chunk.toString('latin1');
    for (;;) {
      const head = pending.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(pending.slice(0, head))?.[1] ?? 0);
      if (pending.length < head + 4 + length) return;
      const request = pending.slice(head + 4, head + 4 + length);
      pending = pending.slice(head + 4 + length);
      if (request.includes('"stream":true')) stream(socket);
      else socket.write(answer);
    }
  });
  socket.on('error', () => undefined);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
