import net from 'node:net';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 60_000;

/**
 * kafkajs closes a dead connection again with each failed try to replace it, and every `unref` of a closed socket
 * leaves one listener: after ten tries Node warns of a leak. The listeners go with the connection.
 */
export const openKafkaSocket: ISocketFactory = ({ host, port, onConnect }) => {
  const socket = net.connect({ host, port }, onConnect);
  socket.setMaxListeners(0);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
};
