import { Controller, Get, Header, Param, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Endpoint } from '../access/endpoint.decorator.js';
import { Problem } from '../problems/problem.js';
import { isProblemCode, PROBLEM_PAGE_POLICY, problemIndexPage, problemPage } from './problem-pages.js';

@ApiTags('Service')
@Controller({ path: 'problems', version: VERSION_NEUTRAL })
export class ProblemsController {
  @Endpoint({
    scope: null,
    validated: false,
    summary: 'List every problem a call may answer with',
    answer: { type: String, description: 'A page for people.' },
  })
  @ApiProduces('text/html')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', PROBLEM_PAGE_POLICY)
  @Header('Cache-Control', 'public, max-age=3600')
  @Get()
  listProblems(): string {
    return problemIndexPage();
  }

  @Endpoint({
    scope: null,
    validated: false,
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
  @Header('Content-Security-Policy', PROBLEM_PAGE_POLICY)
  @Header('Cache-Control', 'public, max-age=3600')
  @Get(':code')
  explainProblem(@Param('code') code: string): string {
    return problemPage(known(code));
  }
}

function known(code: string) {
  if (isProblemCode(code)) return code;
  throw new Problem('not_found', 'There is no problem with this code. All of them are listed at /problems.');
}
