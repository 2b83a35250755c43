/** Numbers of GS1 (General Specifications 7.9): the last digit is computed from the others, so a typo is seen here. */

/** True if the last digit is the check digit of those before it. */
export function hasCheckDigit(digits: string): boolean {
  if (!/^\d{2,18}$/.test(digits)) return false;
  // From the right, the check digit itself weighs 1, then 3 and 1 in turn: a right number sums to a multiple of ten.
  const sum = [...digits].reverse().reduce((total, digit, i) => total + Number(digit) * (i % 2 === 0 ? 1 : 3), 0);
  return sum % 10 === 0;
}

/**
 * A GTIN-8, -12 (UPC), -13 (EAN) or -14 as 14 digits, the form in which the same product is always the same text;
 * undefined for what is none of them or has a wrong check digit.
 */
export function toGtin14(value: string): string | undefined {
  return /^(\d{8}|\d{12,14})$/.test(value) && hasCheckDigit(value) ? value.padStart(14, '0') : undefined;
}

/** A Global Location Number: 13 digits, the last of them the check digit. */
export function isGln(value: unknown): value is string {
  return typeof value === 'string' && value.length === 13 && hasCheckDigit(value);
}
