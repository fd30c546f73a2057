import { Module, type DynamicModule } from '@nestjs/common';
import { INGEST, ReceiptsConsumer, type Ingest } from './receipts.consumer.js';

@Module({})
export class IngesterModule {
  static over(ingest: Ingest): DynamicModule {
    return {
      module: IngesterModule,
      controllers: [ReceiptsConsumer],
      providers: [{ provide: INGEST, useValue: ingest }],
    };
  }
}
