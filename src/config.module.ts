import { DynamicModule, Global, Module } from '@nestjs/common';
import type { Config } from './config.js';

/** Injection token of the parsed environment. */
export const CONFIG = Symbol('Config');

/** Injection token of the clock every decision about time is made by; tests turn it. */
export const CLOCK = Symbol('Clock');
/** Milliseconds since 1970. */
export type Clock = () => number;

@Global()
@Module({})
export class ConfigModule {
  static of(config: Config, clock: Clock): DynamicModule {
    return {
      module: ConfigModule,
      providers: [
        { provide: CONFIG, useValue: config },
        { provide: CLOCK, useValue: clock },
      ],
      exports: [CONFIG, CLOCK],
    };
  }
}
