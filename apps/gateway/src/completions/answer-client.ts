import type { ClientConnection } from '../hot-lane/client-connection.js';

/** What serving a request needs of its client's side: the connection itself, or one that takes notes on the way. */
export type AnswerClient = Pick<
  ClientConnection,
  'gone' | 'streamStarted' | 'sendJson' | 'startStream' | 'writeData' | 'onDrain' | 'endStream' | 'fail'
>;
