import { type BinaryType, binaryArray } from './binary-array.js';

/** The elements behind the header, in hex. */
function elements(type: BinaryType, values: Parameters<typeof binaryArray>[1]): string | undefined {
  return binaryArray(type, values)?.subarray(20).toString('hex');
}

describe('the binary form of a column', () => {
  it('begins with dimensions, nulls, type, length and lower bound', () => {
    const header = (values: number[] | null[]) => binaryArray('bigint', values)?.subarray(0, 20).toString('hex');
    expect(header([7, 8])).toBe('0000000100000000000000140000000200000001');
    expect(header([null])).toBe('0000000100000001000000140000000100000001');
    expect(binaryArray('text', [])?.toString('hex')).toBe('000000000000000000000019');
  });

  it.each<[string, BinaryType, unknown[], string]>([
    ['whole numbers', 'bigint', [1, -1], '000000080000000000000001' + '00000008ffffffffffffffff'],
    [
      'numbers beyond 32 bits',
      'bigint',
      [2 ** 40 + 3, -(2 ** 40)],
      '000000080000010000000003' + '00000008ffffff0000000000',
    ],
    ['small whole numbers', 'int', [-2], '00000004fffffffe'],
    ['the smallest ones', 'smallint', [-2], '00000002fffe'],
    ['fractions', 'float8', [1.5], '000000083ff8000000000000'],
    ['truths', 'bool', [true, false], '0000000101' + '0000000100'],
    ['text', 'text', ['a"\\', ''], '00000003612' + '25c' + '00000000'],
    ['text beyond ASCII', 'text', ['aé', '€'], '0000000361c3a9' + '00000003e282ac'],
    ['half a surrogate pair as what it cannot be', 'text', ['\ud800'], '00000003efbfbd'],
    ['bytes', 'bytea', [Buffer.from([0, 255])], '0000000200ff'],
    ['what is not there', 'text', [null, undefined], 'ffffffff' + 'ffffffff'],
  ])('has %s', (_, type, values, hex) => {
    expect(elements(type, values as never)).toBe(hex);
  });

  it('holds long text and more of it than was met before', () => {
    const long = 'ü'.repeat(50_000);
    const column = binaryArray('text', [long, 'end'])?.subarray(24);
    expect(column?.toString('utf8', 0, 100_000)).toBe(long);
    expect(column?.toString('utf8', 100_004)).toBe('end');
  });

  it.each<[BinaryType, unknown]>([
    ['bigint', 1.5],
    ['bigint', 2 ** 53],
    ['bigint', '7'],
    ['int', 2 ** 31],
    ['smallint', 2 ** 15],
    ['float8', '1'],
    ['bool', 'true'],
    ['text', 1],
    ['bytea', 'x'],
  ])('leaves to the text form what is no %s: %p', (type, value) => {
    expect(binaryArray(type, [null, value] as never)).toBeUndefined();
  });
});
