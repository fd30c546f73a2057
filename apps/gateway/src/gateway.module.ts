import { Module, type DynamicModule } from '@nestjs/common';
import { DashboardController } from './dashboard/dashboard.controller.js';
import { EvidenceController } from './dashboard/evidence.controller.js';
import { AdminEventsController } from './http/admin-events.controller.js';
import { AdminKeysController } from './http/admin-keys.controller.js';
import { AdminReplayController } from './http/admin-replay.controller.js';
import { GATEWAY_PARTS, type GatewayParts } from './http/gateway-parts.js';
import { AdminGuard, ApiKeyGuard } from './http/guards.js';
import { HealthController } from './http/health.controller.js';
import { ModelsController } from './http/models.controller.js';
import { ReceiptsController } from './http/receipts.controller.js';
import { ReceiptProofController, TransparencyController } from './http/transparency.controller.js';

/** The slow routes. Chat and embeddings are served in front of Nest; see `hot-lane/`. */
@Module({})
export class GatewayModule {
  static over(parts: GatewayParts): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [
        HealthController,
        ModelsController,
        ReceiptsController,
        ReceiptProofController,
        TransparencyController,
        EvidenceController,
        DashboardController,
        AdminKeysController,
        AdminEventsController,
        AdminReplayController,
      ],
      providers: [{ provide: GATEWAY_PARTS, useValue: parts }, ApiKeyGuard, AdminGuard],
    };
  }
}
