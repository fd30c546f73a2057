import { createServer } from 'node:http';
import type { Logger } from '#telemetry/ports/logger.js';

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

/** `GET /metrics` on `host`. A port that is taken costs the metrics, not the ingester. */
export async function serveMetrics(
  host: string,
  port: number | null,
  source: { text(): string },
  logger: Logger,
): Promise<MetricsServer | null> {
  if (port === null) return null;
  const server = createServer((request, response) => {
    const known = request.url === '/metrics' && request.method === 'GET';
    response.writeHead(known ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(known ? source.text() : 'only GET /metrics\n');
  });
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    logger.error({ err: error, port }, 'no metrics: the port cannot be used');
    return null;
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
