import { Module } from '@nestjs/common';

/** What other systems say, from the first byte to the position it changes. */
@Module({})
export class IngestionModule {}
