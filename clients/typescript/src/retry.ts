export interface Patience {
  /** How often a request is sent at most. */
  readonly attempts: number;
  /** Milliseconds after which it is not sent again. */
  readonly patienceMs: number;
}

/** The first wait, in milliseconds, where the service names none; then twice as long each time. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;
const WORTH_REPEATING = [429, 500, 502, 503, 504];

/**
 * Sends a request, and again where that is safe and may help: after no answer, 429, 5xx, or `idempotency_in_progress`.
 * The same request goes out each time, so its Idempotency-Key is the same, and whatever it does is done once.
 */
export async function fetchWithPatience(
  request: Request,
  { attempts, patienceMs }: Patience,
  send: typeof fetch,
): Promise<Response> {
  const began = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send(request.clone()).catch((error: unknown) => error);
    const response = answer instanceof Response ? answer : undefined;
    const wait = waitOf(response, attempt);
    const over = attempt >= attempts || Date.now() - began + wait > patienceMs || request.signal.aborted;
    if (over || !isRepeatable(request) || !(await mayHelp(response))) {
      if (response) return response;
      throw answer;
    }
    await response?.body?.cancel();
    await pause(wait, request.signal);
  }
}

/** Repeating does nothing twice: it only reads, replaces, or bears an Idempotency-Key. */
function isRepeatable(request: Request): boolean {
  if (request.method !== 'POST') return true;
  return request.headers.has('Idempotency-Key') || new URL(request.url).pathname.endsWith('/v1/availability/query');
}

async function mayHelp(response: Response | undefined): Promise<boolean> {
  if (response === undefined || WORTH_REPEATING.includes(response.status)) return true;
  if (response.status !== 409) return false;
  const problem = await response
    .clone()
    .json()
    .catch(() => undefined);
  return problem?.code === 'idempotency_in_progress';
}

/** As long as the service says; else longer each time, with some chance so that callers do not come back together. */
function waitOf(response: Response | undefined, attempt: number): number {
  const seconds = Number(response?.headers.get('Retry-After') ?? Number.NaN);
  if (seconds >= 0) return seconds * 1_000;
  return Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
