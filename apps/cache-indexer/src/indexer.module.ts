import { Module, type DynamicModule } from '@nestjs/common';
import { ContentController, INDEXER, type Indexer } from './content.controller.js';

@Module({})
export class IndexerModule {
  static over(indexer: Indexer): DynamicModule {
    return {
      module: IndexerModule,
      controllers: [ContentController],
      providers: [{ provide: INDEXER, useValue: indexer }],
    };
  }
}
