import { arrayLiteral } from './array-literal.js';

describe('a column of a set-based statement', () => {
  it.each([
    ['numbers', [1, -2.5, 0], '{1,-2.5,0}'],
    ['truths', [true, false], '{true,false}'],
    ['text, quoted so that NULL and braces are text', ['a', 'NULL', '{,}', ''], '{"a","NULL","{,}",""}'],
    ['text with quotes and backslashes', ['say "no"', 'C:\\'], '{"say \\"no\\"","C:\\\\"}'],
    ['bytes', [Buffer.from([0, 255])], '{"\\\\x00ff"}'],
    ['what is not there', [null, undefined], '{NULL,NULL}'],
    ['nothing', [], '{}'],
  ])('is written of %s', (_, values, literal) => {
    expect(arrayLiteral(values)).toBe(literal);
  });
});
