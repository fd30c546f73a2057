import { describe, expect, it } from 'vitest';
import { AddressLimit, type CallerAddress } from './address-limit.js';

const from = (remoteAddress: string, forwardedFor?: string): CallerAddress => ({
  socket: { remoteAddress },
  headers: { 'x-forwarded-for': forwardedFor },
});

describe('the limit of one address', () => {
  it('refuses one more than it allows, lets in when one has left, and leaves other addresses alone', () => {
    const limit = new AddressLimit(2, []);
    const leave = limit.enter(from('1.2.3.4'));
    limit.enter(from('1.2.3.4'));

    const third = () => limit.enter(from('1.2.3.4'));

    expect(third).toThrow(expect.objectContaining({ code: 'rate_limit_exceeded', httpStatus: 429 }));
    expect(() => limit.enter(from('1.2.3.5'))).not.toThrow();
    leave();
    expect(third).not.toThrow();
  });

  it.each([
    ['believes nobody by default', [], '1.1.1.1', '9.9.9.9', '1.1.1.1'],
    ['believes a trusted proxy', ['1.1.1.1'], '1.1.1.1', '9.9.9.9', '9.9.9.9'],
    ['goes back to the last that is not trusted', ['1.1.1.0/24'], '1.1.1.1', '6.6.6.6, 9.9.9.9, 1.1.1.2', '9.9.9.9'],
    ['knows an IPv4 address on an IPv6 socket', ['10.0.0.0/8'], '::ffff:10.1.1.1', '9.9.9.9', '9.9.9.9'],
    ['stops where no address stands', ['1.1.1.1'], '1.1.1.1', '9.9.9.9, unknown', '1.1.1.1'],
    ['takes the proxy itself where nothing was added', ['1.1.1.1'], '1.1.1.1', undefined, '1.1.1.1'],
    ['trusts IPv6 networks', ['fd00::/8'], 'fd00::1', '9.9.9.9', '9.9.9.9'],
    ['counts IPv6 by its network', [], '2001:db8:0:1:aaaa::1', undefined, '2001:db8:0:1::2'],
    ['counts the shortest IPv6 by its network', [], '::1', undefined, '0:0:0:0:1:2:3:4'],
  ])('%s', (_name, trusted, peer, forwardedFor, same) => {
    const limit = new AddressLimit(1, trusted);
    limit.enter(from(peer, forwardedFor));

    expect(() => limit.enter(from(same))).toThrow(/one address/);
    expect(() => limit.enter(from('2001:db8:0:2::1'))).not.toThrow();
  });

  it.each(['localhost', '10.0.0.0/33', '1.2.3.4/8/8', '::/129', '1.2.3.4/x'])('refuses to trust %s', (text) => {
    expect(() => new AddressLimit(1, [text])).toThrow(/trusted_proxies/);
  });
});
