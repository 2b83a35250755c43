import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean, IsIn } from 'class-validator';
import type { Page } from '../access/page.js';
import { IsCode, IsInstant, Optional } from '../problems/fields.dto.js';
import {
  APPLIED_KINDS,
  type AppliedKind,
  type Failure,
  FORMATS,
  type Format,
  type Import,
  KINDS,
  type Kind,
  STATUSES,
  type Status,
} from './import.js';

export class ImportQuery {
  @ApiProperty({ enum: APPLIED_KINDS, example: 'levels', description: 'What each row is.' })
  @IsIn(APPLIED_KINDS)
  kind: AppliedKind;

  @ApiPropertyOptional({ default: false, description: 'All rows or none; of at most 10,000 rows and 16 MiB.' })
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  atomic: boolean = false;
}

export class ImportEventsQuery {
  @ApiProperty({ example: 'wms-east', description: 'Whose events they are.' })
  @IsCode()
  source: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-03-01T06:00:00Z',
    description: 'Of a CSV: when the levels were counted. Now unless given.',
  })
  @Optional()
  @IsInstant()
  asOf?: string;

  @ApiPropertyOptional({
    default: false,
    description:
      'Of a CSV: it is all there is at `location`, and what it omits there is set to 0. One event, so at most 5 MiB and ' +
      '100,000 rows; one row that cannot be applied, or is of another place, fails the whole file.',
  })
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  complete: boolean = false;

  // No example: without complete it is refused.
  @ApiPropertyOptional({ description: 'With `complete=true`: the one location of the file, such as `HAM`.' })
  @Optional()
  @IsCode()
  location?: string;
}

export class ImportFailureView {
  @ApiProperty({ type: 'integer', example: 17, description: 'As an editor counts the lines; a header is line 1.' })
  line: number;

  @ApiProperty({ example: 'unknown_sku', description: 'One of the problems.' })
  code: string;

  @ApiProperty({ example: 'There is no item CABLE/3M.' })
  detail: string;

  @ApiPropertyOptional({ example: '/sku', description: 'JSON pointer into the row; of a CSV `/` and the column.' })
  pointer?: string;
}

export class ImportFailurePage {
  @ApiProperty({ type: [ImportFailureView] })
  data: ImportFailureView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class ImportProblemView {
  @ApiProperty({ example: 'validation_failed' })
  code: string;

  @ApiProperty({ example: '1 of 570 rows cannot be applied, so none was. Correct them, and send all again.' })
  detail: string;
}

export class ImportSummary {
  @ApiProperty({ example: 'imp_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;

  @ApiProperty({ enum: KINDS, example: 'levels' })
  kind: Kind;

  @ApiProperty({ enum: FORMATS, example: 'csv' })
  format: Format;

  @ApiPropertyOptional({ example: 'wms-east', description: 'Of events: whose they are.' })
  source?: string;

  @ApiProperty({ example: false })
  atomic: boolean;

  @ApiProperty({
    enum: STATUSES,
    example: 'done',
    description: '`done`: every row was looked at, failed ones too. `failed`: it ended before; `problem` says why.',
  })
  status: Status;

  @ApiProperty({ type: 'integer', example: 570, description: 'Rows that were looked at so far; in the end all.' })
  rows: number;

  @ApiProperty({ type: 'integer', example: 569, description: 'Rows that hold now, unchanged ones included.' })
  applied: number;

  @ApiProperty({ type: 'integer', example: 566, description: 'Applied rows that were so already.' })
  unchanged: number;

  @ApiProperty({ type: 'integer', example: 1 })
  failed: number;

  @ApiProperty({ type: ImportProblemView, nullable: true, example: null, description: 'Why it failed as a whole.' })
  problem: ImportProblemView | null;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: '2026-03-01T08:30:00.120Z' })
  startedAt: string | null;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: '2026-03-01T08:30:01.470Z' })
  finishedAt: string | null;
}

export class ImportView extends ImportSummary {
  @ApiProperty({ type: ImportFailurePage, description: 'The failed rows by line; the first 100,000 are kept.' })
  failures: ImportFailurePage;
}

export class ImportPage {
  @ApiProperty({ type: [ImportSummary] })
  data: ImportSummary[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export function summaryOf(one: Import): ImportSummary {
  const { id, kind, format, source, atomic, status, rows, applied, unchanged, failed, problem } = one;
  return {
    ...{ id, kind, format },
    ...(source === null ? {} : { source }),
    ...{ atomic, status, rows, applied, unchanged, failed },
    problem: problem && { code: problem.code, detail: problem.detail },
    createdAt: one.createdAt.toISOString(),
    startedAt: one.startedAt?.toISOString() ?? null,
    finishedAt: one.finishedAt?.toISOString() ?? null,
  };
}

export function viewImport(one: Import, failures: Page<Failure>): ImportView {
  return { ...summaryOf(one), failures: { data: [...failures.data], nextCursor: failures.nextCursor } };
}
