import { Controller, Get, Header, Param, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Endpoint } from '../access/endpoint.decorator.js';
import { Documentation } from './documentation.service.js';
import { PAGE_POLICY } from './page-policy.js';

@ApiTags('Service')
@Controller({ path: 'problems', version: VERSION_NEUTRAL })
export class ProblemsController {
  constructor(private readonly documentation: Documentation) {}

  @Endpoint({
    scope: null,
    validated: false,
    summary: 'List every problem a call may answer with',
    answer: { type: String, description: 'A page for people.' },
  })
  @ApiProduces('text/html')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', PAGE_POLICY)
  @Header('Cache-Control', 'public, max-age=300')
  @Get()
  listProblems(): Promise<string> {
    return this.documentation.problems();
  }

  @Endpoint({
    scope: null,
    summary: 'Explain a problem',
    description: 'The `type` of a problem document leads here.',
    answer: { type: String, description: 'A page for people.' },
    problems: ['not_found'],
  })
  @ApiParam({
    name: 'code',
    description: 'The `code` of a problem document.',
    schema: { type: 'string', maxLength: 64, example: 'insufficient_stock' },
  } as never)
  @ApiProduces('text/html')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', PAGE_POLICY)
  @Header('Cache-Control', 'public, max-age=300')
  @Get(':code')
  explainProblem(@Param('code') code: string): Promise<string> {
    return this.documentation.problem(code);
  }
}
