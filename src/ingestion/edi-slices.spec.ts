import { ediSlices, isEdi } from './edi-slices.js';

const isa = (terminator: string) =>
  `ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260301*0830*U*00401*000000001*0*P*>${terminator}`;
const slices = (text: string) => ediSlices(Buffer.from(text, 'latin1')).map((slice) => slice.toString('latin1'));

describe('a file of EDI', () => {
  const x12 = `${isa('~')}GS*IB*A*B~ST*846*0001~SE*1*0001~GE*1*1~IEA*1*000000001~`;
  const edifact = `UNB+UNOC:3+A+B+260301:0830+1'UNH+1+INVRPT:D:96A:UN'FTX+it?'s UNZ'UNT+3+1'UNZ+1+1'`;

  it.each<[string, string, string[]]>([
    ['of X12 is an event an interchange', `${x12}\r\n${x12}\r\n`, [x12, x12]],
    [
      'of X12 may end its segments with a line break',
      `${isa('\n')}GS*1\nIEA*1*1\n${isa('~')}IEA*1*1~`,
      [`${isa('\n')}GS*1\nIEA*1*1\n`, `${isa('~')}IEA*1*1~`],
    ],
    ['of EDIFACT is an event an interchange', `${edifact}\n${edifact}`, [edifact, edifact]],
    [
      'of EDIFACT may name its characters',
      `UNA:*.! |UNB*UNOC:3|UNZ*1*1|${edifact}`,
      ['UNA:*.! |UNB*UNOC:3|UNZ*1*1|', edifact],
    ],
    ['may mix them', `${x12}${edifact}`, [x12, edifact]],
    ['that breaks off keeps what there is', `${x12}${isa('~')}GS*IB`, [x12, `${isa('~')}GS*IB`]],
    ['that breaks off in the middle keeps the next', `${isa('~')}GS*IB~\n${x12}`, [`${isa('~')}GS*IB~\n`, x12]],
    [
      'of EDIFACT that breaks off, too',
      `UNA:+.? '\r\nUNB+1'UNH+1'UNA:+.? '${edifact}UNB+2'${edifact}`,
      [`UNA:+.? '\r\nUNB+1'UNH+1'`, `UNA:+.? '${edifact}`, "UNB+2'", edifact],
    ],
    ['that breaks off within its first segment, too', 'ISA*00', ['ISA*00']],
  ])('%s', (_, text, expected) => {
    expect(slices(text)).toEqual(expected);
  });

  it('is known by how it begins', () => {
    expect(['ISA*00', 'UNA:+.?', "UNB+UNOC'"].map((text) => isEdi(Buffer.from(text)))).toEqual([true, true, true]);
    expect(['ISABELLA', '{"a":1}', 'UNBOUND', ''].map((text) => isEdi(Buffer.from(text)))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
