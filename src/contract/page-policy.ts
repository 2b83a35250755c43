import { createHash } from 'node:crypto';

/**
 * What a page of ours may load and do: the one place for the Content-Security-Policy of pages. Every other answer has
 * that of `src/protection.ts`, which allows nothing at all.
 */

/** The documentation: its scripts and styles come from here, and a key typed into it goes nowhere else. */
export const DOCS_POLICY = policy({
  'default-src': "'self'",
  // The viewer writes styles into the page as it runs.
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'object-src': "'none'",
});

/** A page of text with the one style it was written with. */
export function textPagePolicy(style: string): string {
  const hash = createHash('sha256').update(style).digest('base64');
  return policy({ 'default-src': "'none'", 'style-src': `'sha256-${hash}'` });
}

/** None of our pages is to be framed, sends a form, or has its links bent by a `base`. */
function policy(directives: Readonly<Record<string, string>>): string {
  const all = { ...directives, 'base-uri': "'none'", 'form-action': "'none'", 'frame-ancestors': "'none'" };
  return Object.entries(all)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}
