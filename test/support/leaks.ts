/**
 * Everything the service says in the course of a test is looked through for what it must keep to itself: every line of
 * its log down to the level `trace`, whatever level is set, and every answer but those that show a secret once.
 */
const SECRETS: Readonly<Record<string, RegExp>> = {
  'an API key': /\bhf_[0-9A-Za-z]{9}_[0-9A-Za-z]{39}/,
  'the secret of a source': /\bwhsec_[A-Za-z0-9+/]{20,}/,
  'a token': /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}/,
  // Settings of test applications, by their texts: ADMIN_API_KEY, SECRET_ENCRYPTION_KEY, API_KEY_PEPPER.
  'a secret setting':
    /the-administrator-of-the-tests|what-the-tests-(encrypt|hash)-|the-(first|second)-pepper-of-|a-key-of-the-automation/,
};

/** Where a secret is shown, once, to whoever has asked for it; and pages with examples that are nobody's. */
const SHOWN_ONCE =
  /^(POST \/v1\/clients\/[^/]+\/keys|POST \/v1\/keys\/[^/]+\/rotate|PUT \/v1\/sources\/[^/]+|POST \/v1\/sources\/[^/]+\/rotate-secret) 201$/;
const PAGES = /^GET \/(docs|openapi|problems)\b/;

const leaks = new Set<string>();

/** What of this text is secret; empty if nothing is. */
export function secretsIn(text: string): string[] {
  return Object.entries(SECRETS).flatMap(([what, looks]) => (looks.test(text) ? [what] : []));
}

export function lookThroughLine(line: string): void {
  for (const what of secretsIn(line)) leaks.add(`${what} in the log: ${line.slice(0, 400)}`);
}

// Where pino.cjs finds it, which is loaded in another way.
Object.assign(globalThis, { holdfastLookThrough: lookThroughLine });

export function lookThroughAnswer(answered: {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}): void {
  const place = `${answered.method} ${answered.url.split('?', 1)[0]} ${answered.status}`;
  if (SHOWN_ONCE.test(place) || PAGES.test(place)) return;
  const text = `${Object.values(answered.headers).join('\n')}\n${answered.body.toString('utf8')}`;
  for (const what of secretsIn(text)) leaks.add(`${what} in the answer to ${place}: ${text.slice(0, 400)}`);
}

/** Throws what was said since the last look. */
export function expectNoLeaks(): void {
  if (leaks.size === 0) return;
  const found = [...leaks].slice(0, 10).join('\n');
  leaks.clear();
  throw new Error(`The service said what it must keep to itself:\n${found}`);
}
