import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Problem } from '../problems/problem.js';
import { ImportsRepository, PIECE_BYTES } from './imports.repository.js';
import type { Source } from './rows.reader.js';

/** What is known of a body that was read to its end. */
export interface Received {
  /** SHA-256 over all bytes. */
  readonly hash: Buffer;
  readonly pieces: number;
}

/** Keeps bodies in the database while they arrive, piece by piece, and gives them back as streams. */
@Injectable()
export class Spool {
  constructor(
    private readonly dataSource: DataSource,
    private readonly repository: ImportsRepository,
  ) {}

  /**
   * Reads the body to its end, and gives each piece to `keep` before it reads on: never more than one piece is in
   * memory, and a slow database slows the sender. No transaction is open meanwhile; senders may take hours.
   * Throws `payload_too_large` past `most` bytes, `validation_failed` for what breaks off, or as text is no UTF-8.
   */
  async receive(
    body: Readable,
    { most, isText }: { readonly most: number; readonly isText: boolean },
    keep: (piece: Buffer, seq: number) => Promise<void>,
  ): Promise<Received> {
    const hash = createHash('sha256');
    // Latin-1 takes any byte.
    const text = new TextDecoder(isText ? 'utf-8' : 'latin1', { fatal: true });
    let waiting: Buffer[] = [];
    let length = 0;
    let bytes = 0;
    let seq = 0;
    const flush = async () => {
      const piece = Buffer.concat(waiting);
      waiting = [];
      length = 0;
      hash.update(piece);
      requireText(() => text.decode(piece, { stream: true }), bytes);
      bytes += piece.length;
      await keep(piece, seq);
      seq += 1;
    };
    for await (let part of arriving(body)) {
      if (bytes + length + part.length > most) throw tooLarge(most);
      while (length + part.length >= PIECE_BYTES) {
        const room = PIECE_BYTES - length;
        waiting.push(part.subarray(0, room));
        part = part.subarray(room);
        await flush();
      }
      waiting.push(part);
      length += part.length;
    }
    if (length > 0) await flush();
    requireText(() => text.decode(), bytes);
    return { hash: hash.digest(), pieces: seq };
  }

  keep(importId: string, seq: number, piece: Buffer, at: Date): Promise<void> {
    return this.repository.insertPiece(this.dataSource.manager, importId, seq, piece, at);
  }

  async discard(importId: string): Promise<void> {
    await this.repository.deletePieces(this.dataSource.manager, importId);
  }

  /** The body as it was sent, from any byte on. */
  open(importId: string): Source {
    return (fromByte) => this.read(importId, fromByte);
  }

  private async *read(importId: string, fromByte: number): AsyncGenerator<Buffer> {
    let skip = fromByte % PIECE_BYTES;
    for (let seq = Math.floor(fromByte / PIECE_BYTES); ; seq += 1) {
      const piece = await this.repository.findPiece(this.dataSource.manager, importId, seq);
      if (!piece) return;
      if (skip < piece.length) yield piece.subarray(skip);
      skip = 0;
    }
  }
}

export function tooLarge(most: number): Problem {
  const detail =
    `Such an import takes at most ${most / 1024 / 1024} MiB: 256 of rows, 16 of EDI or with atomic=true, 5 with complete=true. ` +
    'Split it into several; of a complete file leave out what is 0.';
  // What is still on its way would else be read to its end before the connection can be used again.
  return new Problem('payload_too_large', detail, { headers: { Connection: 'close' } });
}

/** The stream stays open when we stop reading early: it belongs to the connection that carries the answer. */
async function* arriving(body: Readable): AsyncGenerator<Buffer> {
  try {
    yield* body.iterator({ destroyOnReturn: false });
  } catch (cause) {
    throw new Problem('validation_failed', 'The body broke off before its end. Send it again.', { cause });
  }
}

/** Latin-1 and UTF-16 would else come in as question marks. */
function requireText(decode: () => unknown, before: number): void {
  try {
    decode();
  } catch (cause) {
    const detail = `The body is not UTF-8 somewhere behind byte ${before}. Save it in UTF-8, and send it again.`;
    throw new Problem('validation_failed', detail, { cause });
  }
}
