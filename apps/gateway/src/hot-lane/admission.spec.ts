import { describe, expect, it } from 'vitest';
import type { KeyRing } from '#access/ports/key-ring.js';
import { AdmissionDesk } from './admission.js';

const keys = { authenticate: () => null } as unknown as KeyRing;
const deskWith = (shed: { open: boolean }, requestsMax = 100): AdmissionDesk =>
  new AdmissionDesk({ keys, requestsMax, shed: { admits: () => shed.open } });
const fill = (desk: AdmissionDesk, count: number): void => {
  for (let i = 0; i < count; i += 1) desk.enter();
};

describe('admission', () => {
  it('refuses with a wait when there is no room, and takes again after a leave', () => {
    const desk = deskWith({ open: true }, 2);
    fill(desk, 2);

    expect(() => desk.enter()).toThrow(
      expect.objectContaining({ code: 'overloaded', httpStatus: 503, retryAfterMs: 1_000 }),
    );
    desk.leave();
    expect(() => desk.enter()).not.toThrow();
    expect(desk.inside).toBe(2);
  });

  it('refuses while the event loop is late, and takes again when it is not', () => {
    const shed = { open: true };
    const desk = deskWith(shed);
    fill(desk, 20);

    shed.open = false;
    expect(() => desk.enter()).toThrow(expect.objectContaining({ code: 'overloaded' }));
    shed.open = true;
    expect(() => desk.enter()).not.toThrow();
  });

  it('does not blame a lag on requests when there are hardly any', () => {
    const desk = deskWith({ open: false });

    fill(desk, 16);

    expect(desk.inside).toBe(16);
  });
});
