/** What a column of a set-based statement holds. */
export type Element = string | number | boolean | Uint8Array | null | undefined;

/**
 * One column of a set-based statement as PostgreSQL reads it from text: `{1,NULL,"text"}`. For types without a binary
 * form here (`binary-array.ts`), and for what the server is to refuse in its own words.
 */
export function arrayLiteral(values: readonly Element[]): string {
  let text = '{';
  for (let i = 0; i < values.length; i += 1) {
    if (i > 0) text += ',';
    const value = values[i];
    if (value === null || value === undefined) text += 'NULL';
    else if (typeof value === 'string') text += quoted(value);
    else if (typeof value === 'object') text += `"\\\\x${Buffer.from(value).toString('hex')}"`;
    else text += value;
  }
  return `${text}}`;
}

function quoted(text: string): string {
  return text.includes('"') || text.includes('\\') ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;
}
