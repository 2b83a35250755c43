import { Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint } from '../access/endpoint.decorator.js';
import { PageQuery } from '../access/page.dto.js';
import type { Page } from '../access/page.js';
import { PathId } from '../access/path.decorator.js';
import type { Principal } from '../access/principal.js';
import { ImportPage, ImportQuery, type ImportSummary, ImportView } from './imports.dto.js';
import { ImportsService } from './imports.service.js';
import { type Upload, Uploaded } from './upload.decorator.js';

const SCOPES = ['catalog:write', 'stock:write'] as const;

const DESCRIPTION = `Up to 256 MiB of UTF-8. The answer comes once the body is safe; then the rows are applied in their order, and the
imports of a client one after the other, so items may be followed by their levels at once. A row that fails takes no
other with it, and is reported with its line, unless \`atomic=true\` asks for all or none.

**Rows** have the fields of the single calls and follow their rules. \`items\` (scope \`catalog:write\`): \`sku, name, baseUom,
fractionDigits, tracked, active, uoms, identifiers, attributes\`. \`locations\` (\`catalog:write\`): \`code, name, type, enabled, gln,
timezone\`. \`levels\` (\`stock:write\`) say what is on hand: \`sku, location, onHand, uom, condition, reason, reference, note\`;
\`reason\` is \`count\` and \`reference\` the import's id unless given; a level that is so already changes nothing.

**CSV** has a header in any order of columns, commas, and quotes as in RFC 4180; an empty cell is left out and takes its
default. \`uoms\` is \`XCS:4;XPX:48\`, \`identifiers\` is \`gtin:4006381333931;partner:R-1@ACME\`, or either a JSON list as in the
single call; \`attributes\` is a JSON object.`;

@ApiTags('Imports')
@Controller({ path: 'imports', version: '1' })
export class ImportsController {
  constructor(private readonly imports: ImportsService) {}

  @Post()
  @Endpoint({
    scope: SCOPES,
    audited: true,
    summary: 'Bring in items, locations or stock levels in bulk',
    description: DESCRIPTION,
    streams: {
      'text/csv': 'sku,location,onHand,uom\nCABLE/2M,HAM,120,\nCABLE/2M,MUC,10,XCS\n',
      'application/x-ndjson':
        '{"sku":"CABLE/2M","location":"HAM","onHand":120}\n{"sku":"CABLE/2M","location":"MUC","onHand":10,"uom":"XCS"}\n',
    },
    answer: {
      type: ImportView,
      status: 202,
      located: true,
      description: 'Accepted. `Location` says where to ask how far it is.',
    },
    problems: ['payload_too_large', 'unsupported_media_type'],
    idempotent: true,
  })
  create(@Caller() caller: Principal, @Query() query: ImportQuery, @Uploaded() upload: Upload): Promise<Answer> {
    return this.imports.accept(caller, query, upload);
  }

  @Get()
  @Endpoint({
    scope: SCOPES,
    summary: 'List the imports, newest first',
    description: 'Of the last 30 days: those of the client; an administrator sees all.',
    answer: { type: ImportPage, description: 'A page of imports.' },
  })
  list(@Caller() caller: Principal, @Query() query: PageQuery): Promise<Page<ImportSummary>> {
    return this.imports.list(caller, query);
  }

  @Get(':id')
  @Endpoint({
    scope: SCOPES,
    summary: 'Ask how far an import is, and which rows failed',
    description: '`limit` and `cursor` are those of the failed rows.',
    answer: { type: ImportView, description: 'The import.' },
    problems: ['not_found'],
  })
  get(
    @Caller() caller: Principal,
    @PathId('id', 'imp_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
    @Query() query: PageQuery,
  ): Promise<ImportView> {
    return this.imports.get(caller, id, query);
  }
}
