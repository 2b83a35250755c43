import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { Problem } from '../problems/problem.js';

const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
};

/**
 * The body without its Content-Encoding; itself if it has none. Stops at `most` bytes, however much more there is.
 * Throws `unsupported_media_type`, `payload_too_large`, `validation_failed`.
 */
export async function decoded(body: Buffer, encoding: string | undefined, most: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return body;
  const decode = DECODERS[name];
  if (!decode) {
    throw new Problem(
      'unsupported_media_type',
      `Send the body as it is, or with Content-Encoding gzip or deflate, not ${name}.`,
    );
  }
  try {
    return await decode(body, { maxOutputLength: most });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(most, cause);
    throw new Problem('validation_failed', `The body is not what its Content-Encoding ${name} says.`, { cause });
  }
}

function tooLarge(most: number, cause?: unknown): Problem {
  const detail = `A request takes at most ${most / 1024 / 1024} MiB of events, inflated. Split it, or use POST /v1/events/import.`;
  return new Problem('payload_too_large', detail, { cause });
}
