import { Controller, Get, Header, HttpCode, Inject, Res } from '@nestjs/common';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';

interface Reply {
  status(code: number): Reply;
  send(body: unknown): void;
}

/** Liveness, readiness with each dependency's state, and Prometheus metrics. None needs a key. */
@Controller()
export class HealthController {
  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Get('healthz')
  @HttpCode(200)
  alive(): unknown {
    return { status: 'ok' };
  }

  /** 200 while requests are taken, degraded or not; 503 when they would be refused. */
  @Get('readyz')
  ready(@Res() reply: Reply): void {
    const report = this.parts.readiness.report();
    reply.status(report.status === 'unavailable' ? 503 : 200).send(report);
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.parts.metricsText();
  }
}
