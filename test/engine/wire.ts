import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** COMMIT as the engine sends it: the statement of that name is bound, `B`, a length, an unnamed portal, the name. */
const COMMIT_SENT = Buffer.concat([Buffer.from('B'), Buffer.from([0, 0, 0, 18, 0]), Buffer.from('commit\0')]);
/** The tag by which PostgreSQL answers it. */
const COMMIT_ANSWERED = Buffer.from('COMMIT\0');

/** Where a connection is cut: before COMMIT reaches the server, or when it is done and the answer is on its way. */
export type Cut = 'before COMMIT arrives' | 'before its answer arrives';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Whether it is a connection of the posting engine, by the name it gave in its first packet. */
  ofEngine?: boolean;
}

/** The network between a service and its PostgreSQL, to be broken at will. */
export class Wire {
  private readonly pairs = new Set<Pair>();
  private cut: Cut | undefined;
  private cutsLeft = 0;
  /** Connections that were cut at a COMMIT. */
  cuts = 0;

  private constructor(
    private readonly listener: Server,
    private target: { host: string; port: number },
    private readonly port: number,
  ) {}

  static async before(databaseUrl: string): Promise<{ wire: Wire; url: string }> {
    const url = new URL(databaseUrl);
    const target = addressOf(databaseUrl);
    const listener = createServer();
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    const wire = new Wire(listener, target, port);
    listener.on('connection', (client) => wire.join(client));
    url.port = String(port);
    return { wire, url: url.href };
  }

  /** Cuts the next `times` connections that send a COMMIT. */
  cutAtCommit(cut: Cut, times = 1): void {
    this.cut = cut;
    this.cutsLeft = times;
  }

  /** Breaks every connection and refuses new ones, as a server does that is down. */
  async goDown(): Promise<void> {
    for (const pair of this.pairs) this.break(pair);
    await new Promise((resolve) => this.listener.close(resolve));
  }

  async comeBack(): Promise<void> {
    this.listener.listen(this.port, '127.0.0.1');
    await once(this.listener, 'listening');
  }

  /** Breaks every connection; new ones reach the server there, as behind an address that moves with the primary. */
  leadTo(databaseUrl: string): void {
    this.target = addressOf(databaseUrl);
    for (const pair of this.pairs) this.break(pair);
  }

  /** Lets bytes vanish on the connections that the engine has open, without closing them. New ones work. */
  freezeEngine(): void {
    for (const { client, server, ofEngine } of this.pairs) {
      if (!ofEngine) continue;
      for (const socket of [client, server]) socket.removeAllListeners('data').resume();
    }
  }

  async close(): Promise<void> {
    if (this.listener.listening) await this.goDown();
  }

  private join(client: Socket): void {
    const server = connect(this.target);
    const pair: Pair = { client, server };
    this.pairs.add(pair);
    let committing = false;
    client.on('data', (bytes) => {
      pair.ofEngine ??= bytes.includes('holdfast engine');
      const at = bytes.indexOf(COMMIT_SENT);
      if (at >= 0 && this.cutsLeft > 0) {
        if (this.cut === 'before COMMIT arrives') {
          this.cutsLeft -= 1;
          this.cuts += 1;
          server.write(bytes.subarray(0, at));
          this.break(pair);
          return;
        }
        this.cutsLeft -= 1;
        committing = true;
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (committing && bytes.includes(COMMIT_ANSWERED)) {
        this.cuts += 1;
        this.break(pair);
        return;
      }
      client.write(bytes);
    });
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.break(pair));
      socket.on('close', () => this.break(pair));
    }
  }

  private break(pair: Pair): void {
    this.pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroySoon();
  }
}

function addressOf(databaseUrl: string): { host: string; port: number } {
  const { hostname, port } = new URL(databaseUrl);
  return { host: hostname, port: Number(port) };
}
