import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

interface FakePoint {
  readonly id: string | number;
  readonly vector: readonly number[];
  readonly payload: Readonly<Record<string, unknown>>;
}
interface Collection {
  readonly size: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly strict: boolean;
  readonly indexes: Map<string, unknown>;
  points: Map<string | number, FakePoint>;
  operations: number;
}
interface Condition {
  readonly key?: string;
  readonly match?: { readonly value?: unknown; readonly any?: readonly unknown[] };
  readonly range?: Readonly<Record<string, number>>;
  readonly has_id?: readonly (string | number)[];
}
type Filter = Readonly<Record<string, readonly Condition[]>>;
type Json = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** A small Qdrant in memory: the rules that the recorded exchanges show, for the calls that the adapter makes. */
export class FakeQdrant {
  readonly collections = new Map<string, Collection>();
  readonly aliases = new Map<string, string>();
  readonly requests: { readonly method: string; readonly path: string; readonly apiKey: string | undefined }[] = [];
  /** Set to answer something else than the rules say. */
  override:
    ((path: string) => { status: number; headers?: Record<string, string>; body: string } | 'hang' | null) | null =
    null;
  #server: Server | null = null;

  async listen(): Promise<string> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const url = new URL(request.url ?? '/', 'http://fake');
        const key = request.headers['api-key'];
        this.requests.push({
          method: request.method ?? '',
          path: url.pathname,
          apiKey: typeof key === 'string' ? key : undefined,
        });
        const other = this.override?.(url.pathname) ?? null;
        if (other === 'hang') return;
        if (other !== null) {
          response.writeHead(other.status, { 'content-type': 'application/json', ...other.headers }).end(other.body);
          return;
        }
        const text = Buffer.concat(chunks).toString('utf8');
        const { status, body } = this.handle(
          request.method ?? '',
          url.pathname,
          text === '' ? undefined : JSON.parse(text),
        );
        response
          .writeHead(status, { 'content-type': 'application/json' })
          .end(body === undefined ? '' : JSON.stringify(body));
      });
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }

  handle(method: string, path: string, body: unknown): Answer {
    try {
      const result = this.#route(method, path.split('/').slice(1).map(decodeURIComponent), body as Json);
      return result === undefined
        ? { status: 404, body: undefined }
        : { status: 200, body: { result, status: 'ok', time: 0 } };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, body: { status: { error: error.message }, time: 0 } };
    }
  }

  #route(method: string, [root, name, ...rest]: string[], body: Json): unknown {
    const call = `${method} ${rest.join('/')}`;
    if (root === 'aliases')
      return { aliases: [...this.aliases].map(([alias_name, collection_name]) => ({ alias_name, collection_name })) };
    if (root !== 'collections') return undefined;
    if (name === undefined) return { collections: [...this.collections.keys()].map((n) => ({ name: n })) };
    if (name === 'aliases' && method === 'POST') return this.#changeAliases(body['actions'] as readonly Json[]);
    if (call === 'PUT ') return this.#create(name, body);
    if (call === 'DELETE ') return this.collections.delete(name);
    const collection = this.#find(name);
    switch (call) {
      case 'GET ':
        return { status: 'green', points_count: collection.points.size, config: collection.config };
      case 'PUT index':
        collection.indexes.set(body['field_name'] as string, body['field_schema']);
        return completed(collection);
      case 'PUT points':
        return this.#upsert(collection, body);
      case 'POST points':
        return (body['ids'] as readonly (string | number)[]).flatMap((id) => {
          const point = collection.points.get(id);
          return point === undefined ? [] : [{ id, payload: pick(point.payload, body['with_payload']) }];
        });
      case 'POST points/query':
        return { points: this.#query(collection, body) };
      case 'POST points/count':
        return { count: this.#matching(collection, body['filter']).length };
      case 'POST points/delete': {
        if (body['filter'] === undefined && body['points'] === undefined) {
          throw new Refused(
            400,
            'Format error in JSON body: data did not match any variant of untagged enum PointsSelector',
          );
        }
        const ids =
          (body['points'] as readonly (string | number)[] | undefined) ??
          this.#matching(collection, body['filter']).map(({ id }) => id);
        for (const id of ids) collection.points.delete(id);
        return completed(collection);
      }
      default:
        return undefined;
    }
  }

  #find(name: string): Collection {
    const collection = this.collections.get(this.aliases.get(name) ?? name);
    if (collection === undefined) throw new Refused(404, `Not found: Collection \`${name}\` doesn't exist!`);
    return collection;
  }

  #create(name: string, body: Json): boolean {
    if (this.collections.has(name)) throw new Refused(409, `Wrong input: Collection \`${name}\` already exists!`);
    if (this.aliases.has(name))
      throw new Refused(
        400,
        `Wrong input: Can't create collection with name ${name}. Alias with the same name already exists`,
      );
    const vectors = body['vectors'] as { size: number };
    this.collections.set(name, {
      size: vectors.size,
      config: { params: { vectors }, hnsw_config: body['hnsw_config'] ?? { m: 16 } },
      strict: (body['strict_mode_config'] as { enabled?: boolean } | undefined)?.enabled === true,
      indexes: new Map(),
      points: new Map(),
      operations: 0,
    });
    return true;
  }

  /** In order, and what was done before an action fails stays done. */
  #changeAliases(actions: readonly Json[]): boolean {
    for (const action of actions) {
      const {
        create_alias: make,
        delete_alias: drop,
        rename_alias: change,
      } = action as { readonly [kind: string]: Record<string, string> | undefined };
      if (change !== undefined) {
        this.aliases.set(change['new_alias_name'] ?? '', this.aliases.get(change['old_alias_name'] ?? '') ?? '');
        this.aliases.delete(change['old_alias_name'] ?? '');
      }
      if (drop !== undefined) this.aliases.delete(drop['alias_name'] ?? '');
      if (make === undefined) continue;
      const [collection, alias] = [make['collection_name'] ?? '', make['alias_name'] ?? ''];
      if (!this.collections.has(collection))
        throw new Refused(404, `Not found: Collection \`${collection}\` doesn't exist!`);
      if (this.collections.has(alias)) throw new Refused(409, `Wrong input: Collection \`${alias}\` already exists!`);
      this.aliases.set(alias, collection);
    }
    return true;
  }

  #upsert(collection: Collection, body: Json): unknown {
    const points = body['points'] as readonly FakePoint[];
    if (points.length === 0) throw new Refused(400, 'Bad request: Empty update request');
    for (const { id, vector } of points) {
      if (typeof id === 'string' && !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
        throw new Refused(
          400,
          `Format error in JSON body: value ${id} is not a valid point ID, valid values are either an unsigned integer or a UUID`,
        );
      }
      if (vector.length !== collection.size) {
        throw new Refused(
          400,
          `Wrong input: Vector dimension error: expected dim: ${collection.size}, got ${vector.length}`,
        );
      }
    }
    for (const point of points) {
      collection.points.set(point.id, { ...point, payload: point.payload ?? {} });
    }
    return completed(collection);
  }

  #query(collection: Collection, body: Json): unknown[] {
    const vector = body['query'] as readonly number[];
    if (vector.length !== collection.size)
      throw new Refused(
        400,
        `Wrong input: Vector dimension error: expected dim: ${collection.size}, got ${vector.length}`,
      );
    const least = (body['score_threshold'] as number | undefined) ?? Number.NEGATIVE_INFINITY;
    return this.#matching(collection, body['filter'])
      .map((point) => ({ point, score: cosine(vector, point.vector) }))
      .filter(({ score }) => score >= least)
      .toSorted((a, b) => b.score - a.score)
      .slice(0, body['limit'] as number)
      .map(({ point, score }) => {
        const payload = pick(point.payload, body['with_payload'] ?? false);
        return { id: point.id, version: 0, score, ...(payload === undefined ? {} : { payload }) };
      });
  }

  #matching(collection: Collection, filter: unknown): FakePoint[] {
    const clauses = (filter ?? {}) as Filter;
    for (const clause of Object.keys(clauses)) {
      if (!['must', 'must_not'].includes(clause)) {
        throw new Refused(
          400,
          `Format error in JSON body: unknown field \`${clause}\`, expected one of \`should\`, \`min_should\`, \`must\`, \`must_not\``,
        );
      }
    }
    const conditions = [...(clauses['must'] ?? []), ...(clauses['must_not'] ?? [])];
    for (const { key } of conditions) {
      if (key !== undefined && collection.strict && !collection.indexes.has(key)) {
        throw new Refused(400, `Bad request: Index required but not found for "${key}"`);
      }
    }
    return [...collection.points.values()].filter(
      (point) =>
        (clauses['must'] ?? []).every((condition) => holds(point, condition)) &&
        !(clauses['must_not'] ?? []).some((condition) => holds(point, condition)),
    );
  }
}

function holds({ id, payload }: FakePoint, { key, match, range, has_id: ids }: Condition): boolean {
  if (ids !== undefined) return ids.includes(id);
  const stored = payload[key ?? ''];
  // An array in the payload matches with any of its members.
  const values: readonly unknown[] = Array.isArray(stored) ? stored : [stored];
  if (match !== undefined)
    return values.some((value) => (match.any === undefined ? value === match.value : match.any.includes(value)));
  return values.some((value) => {
    if (typeof value !== 'number') return false;
    const { gt, gte, lt, lte } = range ?? {};
    return (
      (gt === undefined || value > gt) &&
      (gte === undefined || value >= gte) &&
      (lt === undefined || value < lt) &&
      (lte === undefined || value <= lte)
    );
  });
}

const completed = (collection: Collection): unknown => ({ operation_id: ++collection.operations, status: 'completed' });

function pick(payload: Readonly<Record<string, unknown>>, wanted: unknown): unknown {
  if (wanted === false) return undefined;
  if (!Array.isArray(wanted)) return payload;
  return Object.fromEntries(Object.entries(payload).filter(([name]) => wanted.includes(name)));
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let [dot, x, y] = [0, 0, 0];
  for (const [i, v] of a.entries()) {
    const w = b[i] ?? 0;
    dot += v * w;
    x += v * v;
    y += w * w;
  }
  return x === 0 || y === 0 ? 0 : dot / Math.sqrt(x * y);
}
