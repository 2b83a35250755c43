import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

class AcceptedProblem {
  @ApiProperty({ example: 'mapping_failed' })
  code: string;
  @ApiProperty({ example: 'An event is a JSON object.' })
  detail: string;
}

class AcceptedEvent {
  @ApiProperty({ example: 'evt_01jqb6sgw6f5ktk3h5n1v0h8yz', description: 'Ours: GET /v1/events/{id}.' })
  id: string;

  @ApiProperty({
    example: 'receipt-4711',
    description:
      "The sender's; without one, `sha256:` and the hash of its bytes, and of levels without a time behind an `@` when they came.",
  })
  eventId: string;

  @ApiProperty({
    enum: ['received', 'duplicate', 'rejected'],
    description:
      '`duplicate`: known before, and nothing changes. `rejected`: kept as an exception; `problem` says why.',
  })
  status: 'received' | 'duplicate' | 'rejected';

  @ApiPropertyOptional({ type: AcceptedProblem })
  problem?: AcceptedProblem;
}

export class IngestAnswer {
  @ApiProperty({ type: [AcceptedEvent], description: 'One for each event, in the order sent.' })
  events: AcceptedEvent[];
}
