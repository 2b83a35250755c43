import { Controller, Get, Header, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { register } from 'prom-client';
import { Endpoint } from '../access/endpoint.decorator.js';

@ApiTags('Service')
@Controller({ path: 'metrics', version: VERSION_NEUTRAL })
export class MetricsController {
  @Endpoint({
    scope: null,
    validated: false,
    summary: 'Measure the process, for Prometheus',
    description: 'Keep it from the outside at your proxy: it tells how much is sold, though not what.',
    answer: { type: String, description: 'Prometheus text format 0.0.4.' },
  })
  @ApiProduces('text/plain')
  @Header('Content-Type', register.contentType)
  @Header('Cache-Control', 'no-store')
  @Get()
  readMetrics(): Promise<string> {
    return register.metrics();
  }
}
