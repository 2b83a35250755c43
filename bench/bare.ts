import { createServer, type ServerResponse } from 'node:http';
import { Redis } from 'ioredis';

/**
 * What reads are measured against, in a process of its own: `node:http` with as little between the request and the
 * answer as there can be. Parts of its command line: what it does, and the Redis it asks.
 *
 * `bytes`: sends what POST /say was given last, with the same headers.
 * `get`: the same, and asks Redis for one key before each answer.
 * `mget`: reads the body, asks Redis for a hundred keys, and sends their values.
 */
const [work = 'bytes', redisUrl] = process.argv.slice(2);
const redis = redisUrl ? new Redis(redisUrl, { enableAutoPipelining: true }) : undefined;
const KEYS = Array.from({ length: 100 }, (_, index) => `bare:${index}`);

let body = Buffer.from('{}');
let headers: [string, string][] = [];

function send(response: ServerResponse, bytes: Buffer): void {
  response.writeHead(200, [...headers.flat(), 'Content-Length', String(bytes.length)]);
  response.end(bytes);
}

const server = createServer((request, response) => {
  if (request.url === '/say') {
    const parts: Buffer[] = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const said = JSON.parse(Buffer.concat(parts).toString());
      body = Buffer.from(said.body);
      headers = said.headers;
      const keys = KEYS.flatMap((key) => [key, said.entry]);
      void Promise.resolve(redis?.mset(keys)).then(() => response.end());
    });
  } else if (work === 'bytes') {
    send(response, body);
  } else if (work === 'get') {
    void redis?.get('bare:0').then(() => send(response, body));
  } else {
    request.resume().on('end', () => {
      void redis?.mget(KEYS).then((values) => send(response, Buffer.from(`{"lines":[${values.join(',')}]}`)));
    });
  }
});
server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; who started us tells us when to end
