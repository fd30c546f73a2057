#!/usr/bin/env node
// A small witness (C2SP tlog-witness): cosigns checkpoints of logs that only grow, and refuses every other one. For
// tests, for examples, and for customers who want to watch a gateway: one file, nothing but Node 20 or newer, and on
// purpose not a line of the gateway's own code.
//
//   node witness.mjs --name example.com/witness --state ./witness --log transparency-key --port 7380 [--host 127.0.0.1]
//
// `--log` is a file with the logs' public keys (GET /transparency/key). In the state folder: `key`, the secret, made at
// the first start, and for each log the last checkpoint that was cosigned. Keep the folder: whoever forgets it, forgets
// what it has seen. The public key for `transparency.witnesses` and for `nextmodel verify --witness` is printed first.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const LOG_KEY = 1;
const WITNESS_KEY = 4;
const BODY_BYTES_MAX = 65_536;
const PROOF_LINES_MAX = 63;
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

const { values: options } = parseArgs({
  options: {
    name: { type: 'string' },
    state: { type: 'string' },
    log: { type: 'string' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '7380' },
  },
});
if (!options.name || !options.state || !options.log) {
  console.error(
    'usage: node witness.mjs --name <name> --state <folder> --log <file with public keys> [--host] [--port]',
  );
  process.exit(2);
}

const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const keyId = (name, type, key) => sha256(`${name}\n`, Buffer.of(type), key).subarray(0, 4);

function logKeys(text) {
  const keys = new Map();
  for (const line of text.split('\n').filter(Boolean)) {
    const [name, id, material] = line.split('+', 2).concat(line.split('+').slice(2).join('+'));
    const bytes = Buffer.from(material, 'base64');
    if (bytes.length !== 33 || bytes[0] !== LOG_KEY || keyId(name, LOG_KEY, bytes.subarray(1)).toString('hex') !== id) {
      throw new Error(`${line} is no key of a log`);
    }
    const spki = Buffer.concat([SPKI, bytes.subarray(1)]);
    keys.set(name, { id, key: createPublicKey({ key: spki, format: 'der', type: 'spki' }) });
  }
  return keys;
}

/** Replaces a file at once and durably. */
function replaceFile(path, text, mode) {
  const draft = `${path}.new`;
  const file = openSync(draft, 'w', mode);
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(draft, path);
}

function secretKey(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'key');
  if (!existsSync(path)) {
    replaceFile(path, generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }), 0o600);
  }
  return createPrivateKey(readFileSync(path, 'utf8'));
}

const node = (left, right) => sha256(Buffer.of(1), left, right);

/** RFC 9162 §2.1.4.2: is the tree of `first` leaves a beginning of the one of `second`? */
function onlyGrew(first, firstRoot, second, secondRoot, proof) {
  if (first === second) return proof.length === 0 && firstRoot.equals(secondRoot);
  if (first === 0n) return proof.length === 0;
  if (proof.length === 0) return false;
  const path = (first & (first - 1n)) === 0n ? [firstRoot, ...proof] : [...proof];
  let fn = first - 1n;
  let sn = second - 1n;
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let fr = path[0];
  let sr = path[0];
  for (const hash of path.slice(1)) {
    if (sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      [fr, sr] = [node(hash, fr), node(hash, sr)];
      while (!(fn & 1n) && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else sr = node(sr, hash);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n && fr.equals(firstRoot) && sr.equals(secondRoot);
}

const COUNT = /^(0|[1-9]\d{0,18})$/;
const decode = (text) => {
  const bytes = Buffer.from(text ?? '', 'base64');
  return bytes.toString('base64') === text ? bytes : null;
};

function parseCheckpoint(note) {
  const cut = note.indexOf('\n\n');
  const text = note.slice(0, cut + 1);
  const [origin, size, root] = text.split('\n');
  const rootBytes = decode(root);
  if (cut < 0 || !note.endsWith('\n') || !COUNT.test(size ?? '') || rootBytes?.length !== 32) return null;
  const signatures = note
    .slice(cut + 2, -1)
    .split('\n')
    .map((line) => {
      const [, name, bytes] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
      return { name, bytes: decode(bytes) };
    });
  return { text, origin, size: BigInt(size), root: rootBytes, signatures };
}

const secret = secretKey(options.state);
const publicKey = createPublicKey(secret).export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
const id = keyId(options.name, WITNESS_KEY, publicKey);
const logs = logKeys(readFileSync(options.log, 'utf8'));
const placeOf = (originHash) => join(options.state, `${originHash}.checkpoint`);
const hashOf = (origin) => sha256(origin).toString('hex');
const refuse = (status, why) => ({ status, type: 'text/plain; charset=utf-8', body: `${why}\n` });

/** All in one turn of the event loop: nothing comes between the comparison with the last size and the new one. */
function addCheckpoint(body) {
  const cut = body.indexOf('\n\n');
  const [oldLine = '', ...proofLines] = body.slice(0, Math.max(cut, 0)).split('\n');
  const oldText = /^old (.*)$/.exec(oldLine)?.[1] ?? '';
  const proof = proofLines.map(decode);
  const checkpoint = cut < 0 ? null : parseCheckpoint(body.slice(cut + 2));
  if (!COUNT.test(oldText) || checkpoint === null || proof.length > PROOF_LINES_MAX || proof.includes(null)) {
    return refuse(400, 'this is no add-checkpoint request');
  }
  const { origin, size, root, text, signatures } = checkpoint;
  const log = logs.get(origin);
  if (log === undefined) return refuse(404, 'an unknown log');
  const own = signatures.filter(
    ({ name, bytes }) => name === origin && bytes?.subarray(0, 4).toString('hex') === log.id,
  );
  if (own.length === 0 || !own.every(({ bytes }) => verify(null, Buffer.from(text), log.key, bytes.subarray(4)))) {
    return refuse(403, 'not signed by the key of the log');
  }
  const old = BigInt(oldText);
  if (old > size) return refuse(400, 'the old size is larger than the new one');
  const place = placeOf(hashOf(origin));
  const last = existsSync(place) ? parseCheckpoint(readFileSync(place, 'utf8')) : null;
  if (old !== (last?.size ?? 0n)) {
    return { status: 409, type: 'text/x.tlog.size', body: `${last?.size ?? 0n}\n` };
  }
  const empty = size !== 0n || root.equals(sha256());
  if (!empty || !onlyGrew(old, last?.root ?? sha256(), size, root, proof)) {
    console.error(
      `REFUSED ${origin}: ${size} entries do not go on from the ${old} that were cosigned: ${JSON.stringify(body)}`,
    );
    return refuse(422, 'this checkpoint does not go on from the last one');
  }
  const seconds = BigInt(Math.floor(Date.now() / 1_000));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(seconds);
  const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), secret);
  const line = `— ${options.name} ${Buffer.concat([id, time, signature]).toString('base64')}\n`;
  const signed = own.map(({ name, bytes }) => `— ${name} ${bytes.toString('base64')}\n`).join('');
  replaceFile(place, `${text}\n${signed}${line}`, 0o600);
  return { status: 200, type: 'text/plain; charset=utf-8', body: line };
}

function answer(request, body) {
  if (request.method === 'POST' && request.url === '/add-checkpoint') return addCheckpoint(body);
  const wanted = /^\/([0-9a-f]{64})\/checkpoint$/.exec(request.url ?? '')?.[1];
  if (request.method !== 'GET' || wanted === undefined || !existsSync(placeOf(wanted)))
    return refuse(404, 'nothing here');
  return { status: 200, type: 'text/plain; charset=utf-8', body: readFileSync(placeOf(wanted), 'utf8') };
}

const server = createServer((request, response) => {
  const pieces = [];
  let bytes = 0;
  request.on('data', (piece) => {
    bytes += piece.length;
    if (bytes <= BODY_BYTES_MAX) pieces.push(piece);
  });
  request.on('end', () => {
    const text = Buffer.concat(pieces).toString('utf8');
    const { status, type, body } = bytes > BODY_BYTES_MAX ? refuse(400, 'too long') : answer(request, text);
    response.writeHead(status, { 'content-type': type }).end(body);
  });
});
server.listen(Number(options.port), options.host, () => {
  const material = Buffer.concat([Buffer.of(WITNESS_KEY), publicKey]).toString('base64');
  console.log(`${options.name}+${id.toString('hex')}+${material}`);
  console.log(`http://${options.host}:${server.address().port}`);
});
