import { destination as openDestination, pino, stdTimeFunctions, type DestinationStream } from 'pino';
import { maskSecrets } from '../../domain/mask-secrets.js';
import type { Logger, LogLevel } from '../../ports/logger.js';

const STDERR = 2;
/** Fields that hold secrets, prompts or answers wherever they are put, as they come and one level down. */
const HIDDEN = [
  'authorization',
  'cookie',
  '["set-cookie"]',
  '["x-api-key"]',
  'apiKey',
  'apiKeys',
  'api_key',
  'adminToken',
  'masterKey',
  'sqlPassword',
  'password',
  'secret',
  'secrets',
  'token',
  'key',
  'prompt',
  'messages',
  'content',
  'body',
];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Default: standard error, written before the call returns. */
  readonly destination?: DestinationStream;
}

/** One JSON object per line. */
export function createPinoLogger({ level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError, error: describeError },
      redact: { paths: HIDDEN.flatMap((field) => below(field)), censor: '[masked]' },
      hooks: { streamWrite: maskSecrets },
    },
    destination ?? openDestination({ dest: STDERR, sync: true }),
  );
}

function below(field: string): readonly string[] {
  const path = field.startsWith('[') ? field : `.${field}`;
  return [field, `*${path}`, `*.*${path}`];
}

/**
 * Only what describes the fault: errors of HTTP clients carry whole requests with their headers and bodies.
 */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? '[object]' : error;
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    stack: error.stack,
    ...(error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}
