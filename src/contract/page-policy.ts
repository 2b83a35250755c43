/**
 * What a page of ours may load and do: the one place for the Content-Security-Policy of pages. Every other answer has
 * that of `src/protection.ts`, which allows nothing at all.
 */

/** A page of text takes its style, its script and its icon from here, and nothing from anywhere else. */
export const PAGE_POLICY = policy({
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self'",
});

/** The reference: its scripts come from here, and a key typed into it goes nowhere else. */
export const REFERENCE_POLICY = policy({
  'default-src': "'none'",
  'script-src': "'self'",
  // Scalar writes styles into the page as it runs, and shows images as data.
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data: blob:",
  'font-src': "'self' data:",
  'connect-src': "'self'",
});

/** None of our pages is to be framed, sends a form, or has its links bent by a `base`. */
function policy(directives: Readonly<Record<string, string>>): string {
  const all = { ...directives, 'base-uri': "'none'", 'form-action': "'none'", 'frame-ancestors': "'none'" };
  return Object.entries(all)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}
