import { Global, Module, OnModuleInit } from '@nestjs/common';
import { collectDefaultMetrics, register } from 'prom-client';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { ReadinessRepository } from './readiness.repository.js';
import { Readiness } from './readiness.service.js';

/** Liveness, readiness, metrics. Global, so that any feature may add a readiness check. */
@Global()
@Module({
  controllers: [HealthController, MetricsController],
  providers: [Readiness, ReadinessRepository],
  exports: [Readiness],
})
export class OperationsModule implements OnModuleInit {
  onModuleInit(): void {
    // The registry is the process's, and a test may start two applications in one.
    if (!register.getSingleMetric('process_cpu_seconds_total')) collectDefaultMetrics();
  }
}
