import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsObject, IsOptional, ValidateNested } from 'class-validator';
import { IsCode, IsText } from '../problems/fields.dto.js';
import type { Client } from './client.js';
import { RateLimitDto } from './rate-limit.dto.js';

export class PostClient {
  @ApiProperty({ example: 'webshop', maxLength: 64 })
  @IsCode()
  code: string;

  @ApiProperty({ example: 'Web shop, checkout', maxLength: 200 })
  @IsText(200)
  name: string;

  @ApiPropertyOptional({
    example: 'web',
    description: 'Binds its keys to a channel: they need not name it, and see nothing of the others.',
  })
  @IsOptional()
  @IsCode()
  channel?: string;

  @ApiPropertyOptional({ type: RateLimitDto })
  @IsOptional()
  @IsObject() // which a list is not; ValidateNested alone would take an empty one
  @ValidateNested()
  @Type(() => RateLimitDto)
  rateLimit?: RateLimitDto;
}

export class ClientView extends PostClient {
  @ApiProperty({ type: 'integer', example: 1 })
  version: number;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;
}

export class ClientPage {
  @ApiProperty({ type: [ClientView] })
  data: ClientView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export function viewClient({ code, name, channel, rateLimit, version, createdAt }: Client): ClientView {
  return {
    code,
    name,
    ...(channel === null ? {} : { channel }),
    ...(rateLimit === null ? {} : { rateLimit }),
    version,
    createdAt: createdAt.toISOString(),
  };
}
