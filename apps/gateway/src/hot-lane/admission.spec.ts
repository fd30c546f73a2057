import { describe, expect, it } from 'vitest';
import type { ServerResponse } from 'node:http';
import type { ApiKey, KeyRing } from '#access/ports/key-ring.js';
import { AdmissionDesk } from './admission.js';
import type { PreparedRefusal } from './prepared-refusal.js';

const known = { keyId: 'k', tenantId: 't' } as unknown as ApiKey;
const keys = { authenticate: (bearer: string) => (bearer === 'nm_right' ? known : null) } as unknown as KeyRing;
const deskWith = (shed: { open: boolean }, requestsMax = 1_000): AdmissionDesk =>
  new AdmissionDesk({ keys, requestsMax, shed: { admits: () => shed.open } });
const fill = (desk: AdmissionDesk, count: number): void => {
  for (let i = 0; i < count; i += 1) desk.enter();
};

/** What a client would be sent. */
function told(refusal: PreparedRefusal | null, requestId?: string) {
  let [status, body] = [0, ''];
  const headers: Record<string, string> = {};
  refusal?.send(
    {
      writeHead(code: number, flat: string[]) {
        status = code;
        for (let n = 0; n < flat.length; n += 2) headers[flat[n] as string] = flat[n + 1] as string;
      },
      end(text: string) {
        body = text;
      },
    } as unknown as ServerResponse,
    requestId,
  );
  return { status, headers, error: (JSON.parse(body) as { error: { code: string } }).error };
}

describe('admission', () => {
  it('refuses with a wait when there is no room, and takes again after a leave', () => {
    const desk = deskWith({ open: true }, 2);
    fill(desk, 2);

    const { status, headers, error } = told(desk.enter());

    expect([status, error.code]).toEqual([503, 'overloaded']);
    expect(headers).toMatchObject({ 'retry-after': '1', 'retry-after-ms': '1000' });
    desk.leave();
    expect(desk.enter()).toBeNull();
    expect(desk.inside).toBe(2);
    expect(desk.refusals).toEqual({ stopping: 0, full: 1, busy: 0 });
  });

  it('refuses while the event loop is late, and takes again when it is not', () => {
    const shed = { open: true };
    const desk = deskWith(shed);
    fill(desk, 120);

    shed.open = false;
    expect(told(desk.enter()).error.code).toBe('overloaded');
    expect(desk.inside).toBe(120);
    shed.open = true;
    expect(desk.enter()).toBeNull();
    expect(desk.refusals.busy).toBe(1);
  });

  it('does not blame a lag on requests when there are hardly any', () => {
    const desk = deskWith({ open: false });

    fill(desk, 100);

    expect(desk.inside).toBe(100);
    expect(told(desk.enter()).error.code).toBe('overloaded');
  });

  it('sends everyone to another gateway once it is closed, and closes their connection', () => {
    const desk = deskWith({ open: true });

    desk.close();

    const { status, headers, error } = told(desk.enter(), 'my-id');
    expect([status, error.code]).toEqual([503, 'shutting_down']);
    expect(headers).toMatchObject({ connection: 'close', 'retry-after': '1', 'x-request-id': 'my-id' });
    expect(Number(headers['content-length'])).toBeGreaterThan(50);
  });

  it.each([undefined, '', 'Bearer ', 'Bearer nm_wrong', 'Basic nm_right'])('knows nobody by %j', (authorization) => {
    const answer = deskWith({ open: true }).authenticate(authorization);

    expect(told(answer as PreparedRefusal)).toMatchObject({ status: 401, error: { code: 'invalid_api_key' } });
  });

  it('knows a key by its bearer', () => {
    expect(deskWith({ open: true }).authenticate('Bearer nm_right')).toBe(known);
  });
});
