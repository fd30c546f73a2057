import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import 'reflect-metadata';
import type { FastifyReply } from 'fastify';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DEFAULT_RELIABILITY } from '#config/domain/default-settings.js';
import { toOpenAiError } from '#openai-wire/domain/openai-error.js';
import { RouterError } from '#events/domain/router-error.js';
import type { Logger } from '#telemetry/ports/logger.js';
import { refusedAtTheDoor, refuseInJson, serverLimits, type ClientTimes } from './connection-limits.js';
import { GatewayModule } from './gateway.module.js';
import type { HotLane } from './hot-lane/hot-lane.js';
import { UnreadAnswers } from './hot-lane/unread-answers.js';
import type { GatewayParts } from './http/gateway-parts.js';
import { OpenAiErrorFilter } from './http/openai-error.filter.js';

const { clientHeadersMs, clientRequestMs, slowReaderMs } = DEFAULT_RELIABILITY;
const CLIENT_TIMES: ClientTimes = { headersMs: clientHeadersMs, requestMs: clientRequestMs };

export interface HttpServer {
  readonly app: NestFastifyApplication;
  readonly server: Server;
  listen(host: string, port: number, shared: boolean): Promise<void>;
}

/** Nest on one server, with the request path in front of it. */
export async function createHttpServer(
  lane: HotLane,
  parts: GatewayParts,
  logger: Logger,
  unread = new UnreadAnswers({ slowReaderMs, onGivenUp: () => undefined }),
  times = CLIENT_TIMES,
): Promise<HttpServer> {
  let server: Server | undefined;
  const adapter = new FastifyAdapter({
    bodyLimit: 1024 * 1024,
    // What Fastify refuses before any route has the one error shape too.
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) => {
      const publicMessage = 'The request line cannot be read.';
      const shown = toOpenAiError(new RouterError({ code: 'invalid_request', publicMessage, httpStatus: 400 }));
      void reply.code(shown.status).headers(shown.headers).send(shown.body);
    },
    serverFactory: (nest: (request: IncomingMessage, response: ServerResponse) => void) => {
      server = createServer(serverLimits(times), (request, response) => {
        if (refusedAtTheDoor(request, response)) return;
        if (lane.handle(request, response)) return;
        unread.watch(response);
        nest(request, response);
      });
      refuseInJson(server);
      return server;
    },
  });
  const options = { logger: false, bodyParser: false } as const;
  const app = await NestFactory.create<NestFastifyApplication>(GatewayModule.over(parts), adapter, options);
  adapter.getInstance().addContentTypeParser('application/json', { parseAs: 'string' }, parseJsonBody);
  app.useGlobalFilters(new OpenAiErrorFilter(logger));
  await app.init();
  await adapter.getInstance().ready();
  const made = server;
  if (made === undefined) throw new Error('the HTTP adapter made no server');
  return {
    app,
    server: made,
    listen: (host, port, shared) => listen(made, host, port, shared),
  };
}

/** Many clients name a content type on requests without a body; only text that is there must be JSON. */
function parseJsonBody(
  _request: unknown,
  body: string | Buffer,
  done: (error: Error | null, parsed?: unknown) => void,
): void {
  if (body.length === 0) {
    done(null, undefined);
    return;
  }
  try {
    done(null, JSON.parse(body.toString()));
  } catch (cause) {
    const publicMessage = 'The request body is not valid JSON.';
    done(new RouterError({ code: 'invalid_json', publicMessage, httpStatus: 400, cause }));
  }
}

/**
 * @param shared several processes on one port; the kernel spreads connections among them.
 * @throws RouterError `port_in_use`; the caller exits with 69.
 */
function listen(server: Server, host: string, port: number, shared: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new RouterError({
              code: 'port_in_use',
              publicMessage: `Port ${port} on ${host} is in use. Set NEXTMODEL_PORT to another one, or end what listens there.`,
              cause,
            })
          : cause,
      );
    });
    server.listen({ host, port, reusePort: shared, backlog: 1_024 }, resolve);
  });
}
