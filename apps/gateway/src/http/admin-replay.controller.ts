import { Controller, Get, HttpCode, Inject, Param, Post, UseGuards } from '@nestjs/common';
import { RouterError } from '#events/domain/router-error.js';
import { AdminGuard } from './guards.js';
import { GATEWAY_PARTS, type GatewayParts } from './gateway-parts.js';

const VIEWS = ['cache', 'receipts', 'transparency'] as const;
type View = (typeof VIEWS)[number];

/** How a replay stands; all numbers as far as they are known. */
export interface ReplayJob {
  readonly view: View;
  state: 'running' | 'done' | 'failed';
  read: number;
  total: number;
  /** What was compared at the end, or what went wrong. */
  result: unknown;
}

/** Rebuilds a view while requests are served. One replay at a time; the former view serves until the switch. */
@Controller('admin/v1/replay')
@UseGuards(AdminGuard)
export class AdminReplayController {
  #job: ReplayJob | null = null;

  constructor(@Inject(GATEWAY_PARTS) private readonly parts: GatewayParts) {}

  @Get()
  state(): unknown {
    return this.#job ?? { state: 'none' };
  }

  /** Starts a replay and returns at once; ask `GET /admin/v1/replay` how far it is. */
  @Post(':view')
  @HttpCode(202)
  start(@Param('view') name: string): unknown {
    const view = VIEWS.find((each) => each === name);
    if (view === undefined) {
      const publicMessage = `Replay one of ${VIEWS.join(', ')}.`;
      throw new RouterError({ code: 'not_found', publicMessage, httpStatus: 404 });
    }
    if (this.#job?.state === 'running') {
      throw new RouterError({
        code: 'invalid_request',
        publicMessage: `A replay of ${this.#job.view} is running.`,
        httpStatus: 409,
      });
    }
    const job: ReplayJob = { view, state: 'running', read: 0, total: 0, result: null };
    this.#job = job;
    const onProgress = (read: number, total: number): void => {
      job.read = read;
      job.total = total;
    };
    const replays = {
      cache: this.parts.replayCache,
      receipts: this.parts.replayReceipts,
      transparency: this.parts.replayTransparency,
    };
    const replay = replays[view](onProgress);
    replay.then(
      (result) => {
        job.state = result.matches ? 'done' : 'failed';
        job.result = result;
      },
      (error: unknown) => {
        job.state = 'failed';
        job.result = { message: error instanceof RouterError ? error.publicMessage : 'the replay failed' };
      },
    );
    return job;
  }
}
