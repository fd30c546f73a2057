import { createPinoLogger, type LoggerOptions } from './adapters/pino/pino-logger.js';
import { PrometheusMetrics } from './adapters/prometheus/prometheus-metrics.js';
import type { Logger } from './ports/logger.js';
import type { Metrics } from './ports/metrics.js';

/** JSON lines on standard error, or on `destination`. */
export function createLogger(options: LoggerOptions): Logger {
  return createPinoLogger(options);
}

/** Fresh counters; one per process. */
export function createMetrics(): Metrics {
  return new PrometheusMetrics();
}
