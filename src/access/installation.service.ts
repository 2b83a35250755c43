import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ClientsRepository } from './clients.repository.js';

/** Names this database in a Redis that others may share. */
@Injectable()
export class Installation {
  private known: string | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ClientsRepository,
  ) {}

  async id(): Promise<string> {
    this.known ??= await this.repository.installation(this.dataSource.manager);
    return this.known;
  }
}
