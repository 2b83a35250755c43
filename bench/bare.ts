import { createServer, type IncomingMessage } from 'node:http';
import { Redis } from 'ioredis';

/**
 * What reads are measured against, in a process of its own: `node:http` with as little between a request and its answer
 * as there can be. It asks nobody who calls, and takes what it is sent for right.
 */
export interface Bare {
  /** Status 200 is sent with these headers, name after value; taken from an answer of the service. */
  readonly headers: readonly string[];
  /**
   * What follows them. `bytes`: `body`, whatever is asked for. `get`: the value of the key that the path ends with, by
   * one GET. `mget`: the values of the keys that the lines of the request name, by one MGET, put together.
   */
  readonly work: 'bytes' | 'get' | 'mget';
  readonly body: string;
  readonly redisUrl: string;
}

/** As the service keeps its connections. */
const KEEP_ALIVE_MS = 72_000;

function serve({ headers, work, body, redisUrl }: Bare): void {
  const bytes = Buffer.from(body);
  const head = [...headers];
  // As the service has it: commands of the same moment go to Redis in one write.
  const redis = new Redis(redisUrl, { enableAutoPipelining: true });
  const answers = {
    get: ({ url = '' }: IncomingMessage) => redis.get(url.slice(url.lastIndexOf('/') + 1)),
    mget: async (request: IncomingMessage) => {
      const { lines } = JSON.parse(await textOf(request)) as { lines: { sku: string }[] };
      const values = await redis.mget(lines.map(({ sku }) => sku));
      return `{"lines":[${values.join(',')}],"fulfillable":true}`;
    },
  };
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const send = (content: Buffer | string | null) => {
      response.writeHead(200, head);
      response.end(content);
    };
    if (work === 'bytes') send(bytes);
    else void answers[work](request).then(send);
  });
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
}

function textOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (part) => {
      text += part;
    });
    request.on('end', () => resolve(text));
  });
}

process.once('message', serve);
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; who started us tells us when to end
