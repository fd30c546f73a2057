/**
 * Words whose exchange turns a question into another one: directions, orders, states, pairs of persons.
 * One of a pair in one text and its partner in the other is a crossing.
 */
const PAIRS =
  'on/off enable/disable enabled/disabled increase/decrease increasing/decreasing open/close opened/closed ' +
  'opening/closing before/after maximum/minimum max/min start/stop started/stopped starting/stopping add/remove ' +
  'adding/removing buy/sell buying/selling bought/sold activate/deactivate lock/unlock deposit/withdraw most/least ' +
  'more/less best/worst better/worse highest/lowest higher/lower raise/lower send/receive sent/received ' +
  'sending/receiving first/last accept/decline accept/reject approve/reject hot/cold with/without inside/outside ' +
  'upload/download old/new older/newer cheap/expensive cheapest/expensive advantages/disadvantages ' +
  'advantage/disadvantage pros/cons safe/dangerous safe/unsafe healthy/unhealthy gain/lose gained/lost ' +
  'incoming/outgoing credit/debit good/bad long/short longest/shortest always/never early/late earlier/later ' +
  'earliest/latest arrive/depart arrival/departure possible/impossible import/export encrypt/decrypt encode/decode ' +
  'true/false male/female men/women man/woman boy/girl boys/girls he/she his/her him/her husband/wife mom/dad ' +
  'mother/father sister/brother son/daughter up/down left/right win/lose love/hate like/dislike positive/negative ' +
  'big/small bigger/smaller biggest/smallest largest/smallest high/low fast/slow faster/slower install/uninstall ' +
  'include/exclude public/private legal/illegal real/fake strong/weak rich/poor ascending/descending asc/desc ' +
  'push/pull read/write input/output source/destination north/south east/west am/pm day/night morning/evening ' +
  'morning/night login/logout attach/detach mount/unmount connect/disconnect subscribe/unsubscribe follow/unfollow ' +
  'block/unblock freeze/unfreeze show/hide allow/deny grant/revoke pass/fail success/failure above/below over/under ' +
  'join/leave hire/fire borrow/lend inbound/outbound internal/external local/remote client/server all/none some/all ' +
  'any/all and/or today/tomorrow today/yesterday tomorrow/yesterday next/last next/previous current/previous ' +
  'current/next current/former past/future past/present checking/savings';

export type Opposites = ReadonlyMap<string, ReadonlySet<string>>;

/** @param further pairs of antonyms `a/b`, for instance WordNet's. */
export function oppositesWith(further: Iterable<string>): Opposites {
  const map = new Map<string, Set<string>>();
  const add = (a: string, b: string): void => {
    const known = map.get(a);
    if (known === undefined) map.set(a, new Set([b]));
    else known.add(b);
  };
  const addPair = (pair: string): void => {
    const [a, b] = pair.split('/');
    if (a === undefined || b === undefined) return;
    add(a, b);
    add(b, a);
  };
  for (const pair of PAIRS.split(' ')) addPair(pair);
  for (const pair of further) addPair(pair);
  return map;
}
