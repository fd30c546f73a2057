import { BlockList, isIP, isIPv6 } from 'node:net';
import { PlacesTaken } from '#access/domain/places-taken.js';
import { rateLimited } from '#access/domain/rate-limited.js';
import { RouterError } from '#events/domain/router-error.js';

const HEXTETS = 8;
const NETWORK_HEXTETS = 4;
const RETRY_AFTER_MS = 1_000;

/** What an `IncomingMessage` says about where it comes from. */
export interface CallerAddress {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Requests under way for each address of a client; see decision 21. */
export class AddressLimit {
  readonly #inside = new PlacesTaken();
  readonly #trusted = new BlockList();

  /**
   * @param trustedProxies addresses, or networks as `10.0.0.0/8`, whose `x-forwarded-for` is believed.
   * @throws RouterError `configuration` for what is neither.
   */
  constructor(
    private readonly requestsMax: number,
    trustedProxies: readonly string[],
  ) {
    for (const text of trustedProxies) trust(this.#trusted, text);
  }

  /**
   * @returns how to leave, to be called once. @throws RouterError `rate_limit_exceeded` (429): nothing was taken.
   */
  enter({ socket, headers }: CallerAddress): () => void {
    const { 'x-forwarded-for': forwardedFor } = headers;
    const address = networkOf(this.#clientAddress(socket.remoteAddress ?? '', String(forwardedFor ?? '')));
    if (!this.#inside.enter(address, this.requestsMax)) {
      throw rateLimited(`This gateway serves ${this.requestsMax} requests of one address at once.`, RETRY_AFTER_MS);
    }
    return () => this.#inside.leave(address);
  }

  /** The last address of the way here that no trusted proxy has; what lies before it anybody may have written. */
  #clientAddress(peer: string, forwardedFor: string): string {
    let address = plain(peer);
    const hops = forwardedFor.split(',');
    while (hops.length > 0 && this.#isTrusted(address)) {
      const before = plain(hops.pop()?.trim() ?? '');
      if (isIP(before) === 0) break;
      address = before;
    }
    return address;
  }

  #isTrusted(address: string): boolean {
    return isIP(address) !== 0 && this.#trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

/** An IPv4 address that came over an IPv6 socket is an IPv4 address. */
const plain = (address: string): string =>
  /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice('::ffff:'.length) : address;

/** One owner has at least a /64 of IPv6 addresses. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, HEXTETS - before.length - after.length);
  const all = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return all
    .slice(0, NETWORK_HEXTETS)
    .map((hextet) => Number.parseInt(hextet, 16).toString(16))
    .join(':');
}

function trust(list: BlockList, text: string): void {
  const [address = '', bits, more] = text.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const prefix = bits === undefined ? null : Number(bits);
  const fits = prefix === null || (/^\d{1,3}$/.test(bits ?? '') && prefix <= (family === 'ipv6' ? 128 : 32));
  if (isIP(address) === 0 || more !== undefined || !fits) {
    throw new RouterError({
      code: 'configuration',
      publicMessage: `reliability.trusted_proxies: "${text}" is no address and no network such as 10.0.0.0/8.`,
    });
  }
  if (prefix === null) list.addAddress(address, family);
  else list.addSubnet(address, prefix, family);
}
