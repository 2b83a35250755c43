import { Controller, Get, Header, Headers, Param, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Answer } from '../access/answer.js';
import { Endpoint } from '../access/endpoint.decorator.js';
import { Documentation } from './documentation.service.js';
import { PAGE_POLICY, REFERENCE_POLICY } from './page-policy.js';

const HTML = 'text/html; charset=utf-8';
const FIVE_MINUTES = 'public, max-age=300';

/** The contract and its guide as pages to read and to try. Not themselves part of the contract. */
@ApiExcludeController()
@Controller({ path: 'docs', version: VERSION_NEUTRAL })
export class DocsController {
  constructor(private readonly documentation: Documentation) {}

  @Endpoint({ scope: null, validated: false, summary: 'Welcome a reader' })
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', PAGE_POLICY)
  @Header('Cache-Control', FIVE_MINUTES)
  @Get()
  readHome(): Promise<string> {
    return this.documentation.home();
  }

  @Endpoint({ scope: null, validated: false, summary: 'Show every call with its bodies, answers and examples' })
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', REFERENCE_POLICY)
  @Header('Cache-Control', FIVE_MINUTES)
  @Get('reference')
  readReference(): Promise<string> {
    return this.documentation.reference();
  }

  @Endpoint({ scope: null, validated: false, summary: 'Give a page its script, style or icon' })
  @Get('assets/:file')
  readAsset(
    @Param('file') file: string,
    @Headers('accept-encoding') accepted: string | undefined,
  ): Promise<Answer<null>> {
    return this.documentation.asset(file, accepted);
  }

  @Endpoint({ scope: null, validated: false, summary: 'Show a page of the guide' })
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', PAGE_POLICY)
  @Header('Cache-Control', FIVE_MINUTES)
  @Get(':page')
  readPage(@Param('page') page: string): Promise<string> {
    return this.documentation.page(page);
  }
}
