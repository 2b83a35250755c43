import { Global, Inject, Injectable, Module, OnApplicationShutdown } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { CONFIG } from '../config.module.js';
import { connect, REDIS } from './redis.connection.js';
import { RedisLink } from './redis.link.js';

@Injectable()
class RedisCloser implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis | null) {}

  onApplicationShutdown(): void {
    this.redis?.disconnect();
  }
}

@Global()
@Module({
  providers: [{ provide: REDIS, inject: [CONFIG], useFactory: connect }, RedisCloser, RedisLink],
  exports: [REDIS, RedisLink],
})
export class RedisModule {}
