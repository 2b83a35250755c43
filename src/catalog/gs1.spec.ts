import fc from 'fast-check';
import { hasCheckDigit, isGln, toGtin14 } from './gs1.js';

describe('GS1 numbers', () => {
  // The GTINs are the examples of the GS1 General Specifications and of everyday goods.
  it.each([
    ['96385074', '00000096385074'],
    ['036000291452', '00036000291452'],
    ['4006381333931', '04006381333931'],
    ['6291041500213', '06291041500213'],
    ['10614141000415', '10614141000415'],
  ])('takes the GTIN %s as %s', (value, expected) => {
    expect(toGtin14(value)).toBe(expected);
  });

  it.each([
    ['a wrong check digit', '4006381333930'],
    ['two digits swapped', '4006381339331'],
    ['nine digits', '123456789'],
    ['eleven digits', '12345678901'],
    ['letters', '40063813339AB'],
    ['digits of another script', '٤٠٠٦٣٨١٣٣٣٩٣١'],
    ['a space', ' 4006381333931'],
    ['nothing', ''],
  ])('refuses a GTIN with %s', (_, value) => {
    expect(toGtin14(value)).toBeUndefined();
  });

  it('takes a GLN of 13 digits only', () => {
    expect(['4012345000009', '4012345000008', '96385074', 4012345000009].map(isGln)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('sees every single wrong digit', () => {
    const digits = fc.stringMatching(/^\d{12}$/);
    fc.assert(
      fc.property(digits, fc.nat(12), fc.integer({ min: 1, max: 9 }), (body, at, off) => {
        const right = [...'0123456789'].map((digit) => body + digit).filter(hasCheckDigit);
        expect(right).toHaveLength(1);
        const number = right[0] as string;
        const wrong = number.slice(0, at) + ((Number(number[at]) + off) % 10) + number.slice(at + 1);
        expect(hasCheckDigit(wrong)).toBe(false);
      }),
    );
  });
});
