import { type IncomingMessage, ServerResponse } from 'node:http';

/** Whose answers are ended, and wait for the end of this turn of the event loop. */
let due: TurnResponse[] = [];

function sendDue(): void {
  const all = due;
  due = [];
  for (const response of all) response.send();
}

/**
 * Sends the answers of one turn of the event loop together, at its end: then whoever reads them is awake already for all but
 * the first. A bare `node:http` that spends 20 µs on a request answers 27,400 a second so, and 21,700 sending each at once;
 * an ordinary route of ours 49,400 and 37,200 of 75,000.
 */
export class TurnResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  private content: string | undefined;
  private sent: (() => void) | undefined;

  /** As Node's. Text whose head has been written, with its length, waits for the end of the turn; `sent` is called when it has left. */
  override end(...given: unknown[]): this {
    const [content, encoding, sent] = given as [unknown, BufferEncoding?, (() => void)?];
    if (typeof content !== 'string' || (encoding ?? 'utf8') !== 'utf8' || !this.headersSent || this.chunkedEncoding) {
      return super.end(...(given as [unknown, BufferEncoding, (() => void)?]));
    }
    this.content = content;
    this.sent = sent;
    if (due.push(this) === 1) setImmediate(sendDue);
    return this;
  }

  send(): void {
    const content = this.content as string;
    const length = Buffer.byteLength(content);
    // One chunk, so one plain write: `end` with the text would make a list of two of it, the second empty.
    this.socket?.cork();
    this.write(content, length === content.length ? 'latin1' : 'utf8');
    this.socket?.uncork();
    super.end();
    this.sent?.();
    // Some outlive two collections after they have left, we have not found why: not with 25 kB of text each.
    this.content = undefined;
    this.sent = undefined;
  }
}
