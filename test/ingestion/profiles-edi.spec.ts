import fc from 'fast-check';
import { MappingFailed } from '../../src/ingestion/event-fields.js';
import { type Given, mapped, refused, type Said } from './mapped.js';

interface X12 {
  readonly element?: string;
  readonly segment?: string;
  readonly usage?: string;
}

/** An interchange of one transaction set, with every count and control number right. */
function x12(
  type: string,
  segments: readonly string[],
  { element = '*', segment = '~', usage = 'P' }: X12 = {},
): string {
  const pad = (text: string) => text.padEnd(15);
  const all = [
    `ISA*00*          *00*          *ZZ*${pad('SUPPLIER')}*ZZ*${pad('US')}*260301*0830*U*00401*000000042*0*${usage}*>`,
    'GS*SH*SUPPLIER*US*20260301*0830*42*X*004010',
    `ST*${type}*0001`,
    ...segments,
    `SE*${segments.length + 2}*0001`,
    'GE*1*42',
    'IEA*1*000000042',
  ];
  return all.map((one) => one.replaceAll('*', element) + segment).join('\n');
}

function edifact(type: string, segments: readonly string[], una = ''): string {
  const all = [
    "UNB+UNOC:3+4012345000016:14+4098765000010:14+260301:0830+42'",
    `UNH+1+${type}:D:96A:UN:EAN005'`,
    ...segments.map((segment) => `${segment}'`),
    `UNT+${segments.length + 2}+1'`,
    "UNZ+1+42'",
  ];
  return una + all.join('\r\n');
}

const gtin = (value: string) => ({ identifier: { type: 'gtin', value } });
const made = '2026-03-01T08:30:00.000Z';

describe('X12', () => {
  const levels = [
    'BIA*00*SI*R-1*20260301*0700',
    'N1*WH*OUR WAREHOUSE*92*EAST',
    'LIN**SK*CABLE-2M*UP*614141000036',
    'QTY*17*120*EA',
    'QTY*33*100*EA',
    'LIN**UP*614141000036',
    'QTY*33*7.5*LB',
    'LIN**VN*V-9',
    'QTY*17*3',
    'UIT*CA',
    'N1*WH*THEIR WAREHOUSE*92*WEST',
    'CTT*3',
  ];
  const snapshot = (basis: string, rows: unknown[]) => ({
    type: 'stock.snapshot.v1',
    time: '2026-03-01T07:00:00.000Z',
    data: { complete: false, basis, rows },
  });

  test.each<[string, X12]>([
    ['the usual delimiters', {}],
    ['tilde and brace', { element: '~', segment: '}' }],
    ['bar and line end', { element: '|', segment: '\r' }],
  ])('846 says what is on hand, else what is available, with %s', async (_, delimiters) => {
    expect(await mapped('x12', x12('846', levels, delimiters))).toEqual([
      snapshot('on_hand', [
        { sku: 'CABLE-2M', quantity: 120, uom: 'EA', location: 'EAST' },
        {
          identifier: { type: 'partner', value: 'V-9', party: 'acme' },
          ...{ quantity: 3, uom: 'XCS', location: 'WEST' },
        },
      ]),
      snapshot('available', [{ ...gtin('00614141000036'), quantity: 7.5, uom: 'LBR', location: 'EAST' }]),
    ]);
  });

  const notice = (purpose = '00') => [
    `BSN*${purpose}*ASN-7*20260301*0815`,
    'HL*1**S',
    'DTM*017*20260303',
    'N1*ST*US*92*EAST',
    'N1*SF*THEM*92*DOCK',
    'HL*2*1*O',
    'PRF*PO-1',
    'HL*3*2*P',
    'MAN*GM*00000010012345614785',
    'HL*4*3*I',
    'LIN**UP*614141000036',
    'SN1**4*EA',
    'HL*5*1*O',
    'PRF*PO-2',
    'HL*6*5*I',
    'LIN**UP*614141000036',
    'SN1**6*EA',
    'CTT*6*10',
  ];

  test('856 inbound announces, with the same item of two orders together', async () => {
    expect(await mapped('x12', x12('856', notice()))).toEqual([
      {
        type: 'supply.expected.v1',
        time: '2026-03-01T08:15:00.000Z',
        data: {
          ...gtin('00614141000036'),
          ...{ quantity: 10, uom: 'EA', location: 'EAST', kind: 'asn', reference: 'ASN-7' },
          expectedAt: '2026-03-03T00:00:00.000Z',
        },
      },
    ]);
  });

  test('856 outbound is a shipment an order, told apart by their references', async () => {
    const data = (order: string, quantity: number) => ({
      ...{ orderRef: order, shipmentRef: `ASN-7/${order}`, location: 'DOCK' },
      lines: [{ ...gtin('00614141000036'), quantity, uom: 'EA' }],
    });
    const said = await mapped('x12-outbound', x12('856', notice()));
    expect(said.map((event) => event.data)).toEqual([data('PO-1', 4), data('PO-2', 6)]);
  });

  test('856 of purpose 01 takes it back', async () => {
    const inbound = await mapped('x12', x12('856', notice('01')));
    expect(inbound).toMatchObject([{ type: 'supply.cancelled.v1', data: { kind: 'asn', reference: 'ASN-7' } }]);
    const type = 'shipment.cancelled.v1';
    const outbound = await mapped('x12-outbound', x12('856', notice('01').slice(0, -6).concat('CTT*4*4')));
    expect(outbound).toMatchObject([{ type, data: { orderRef: 'PO-1', shipmentRef: 'ASN-7' } }]);
  });

  test('856 outbound of purpose 01 takes back each order by the name that it was shipped under', async () => {
    const shipped = await mapped('x12-outbound', x12('856', notice()));
    const cancelled = await mapped('x12-outbound', x12('856', notice('01')));
    expect(cancelled.map(({ type }) => type)).toEqual(['shipment.cancelled.v1', 'shipment.cancelled.v1']);
    const names = (said: Said[]) =>
      said.map(({ data }) => data as Said).map((data) => [data.orderRef, data.shipmentRef]);
    expect(names(cancelled)).toEqual(names(shipped));
  });

  const receipt = (code: string) => [`W17*${code}*20260301*WR-1*PO-1`, 'N1*WH*W*92*EAST', 'W07*10*CA**SK*CABLE-2M'];
  const shipping = (code: string, action: string) => [
    `W06*${code}*SO-1*20260301*SH-1********${action}`,
    'N1*WH*W*92*EAST',
    'LX*1',
    'W12*CC*5*4*1*EA**SK*CABLE-2M',
  ];
  const adjustment = (purpose: string, action: string) => [
    `W15*20260301*ADJ-1**${purpose}**${action}`,
    'N1*WH*W*92*EAST',
    'W19*05*-3*EA**SK*CABLE-2M',
  ];

  test.each<[string, string, string, string[], RegExp]>([
    [
      'x12',
      '846 that cancels',
      '846',
      ['BIA*01*SI*R-1*20260301*0700', ...levels.slice(1)],
      /says 01 in BIA01.*ask for/,
    ],
    ['x12', '856 that deletes', '856', notice('03'), /says 03 in BSN01.*put right by hand/],
    ['x12-outbound', '856 that replaces', '856', notice('05'), /says 05 in BSN01.*put right by hand/],
    ['x12', '944 that rehearses', '944', receipt('K'), /says K in W1701.*Nothing was booked/],
    ['x12', '944 of what a count missed', '944', receipt('S'), /says S in W1701.*ask for a 947/],
    ['x12', '945 that rehearses', '945', shipping('K', ''), /says K in W0601/],
    ['x12', '945 that was cancelled', '945', shipping('F', 'C'), /says C in W0612.*put right by hand/],
    ['x12', '947 that cancels', '947', adjustment('01', ''), /says 01 in W1504.*put right by hand/],
    ['x12', '947 that reverses', '947', adjustment('00', 'W'), /says W in W1506/],
  ])('%s books nothing of an %s', async (profile, _, type, segments, detail) => {
    expect(await refused(profile, x12(type, segments))).toMatch(detail);
  });

  test('what says that it is an original is booked', async () => {
    expect(await mapped('x12', x12('944', receipt('J')))).toMatchObject([
      { type: 'stock.received.v1', data: { quantity: 10, condition: 'sellable' } },
    ]);
    expect(await mapped('x12', x12('945', shipping('J', '1')))).toMatchObject([{ type: 'shipment.confirmed.v1' }]);
    expect(await mapped('x12', x12('947', adjustment('00', '1')))).toMatchObject([{ type: 'stock.adjusted.v1' }]);
  });

  test('944 receives, with what is damaged apart', async () => {
    const segments = ['W17*F*20260301*WR-1*PO-1', 'N1*WH*W*92*EAST', 'W07*10*CA**SK*CABLE-2M', 'W13*2*CA*01', 'W14*10'];
    const row = (quantity: number, condition: string) => ({
      type: 'stock.received.v1',
      time: made,
      data: { sku: 'CABLE-2M', quantity, uom: 'XCS', location: 'EAST', reference: 'PO-1', condition },
    });
    expect(await mapped('x12', x12('944', segments))).toEqual([row(8, 'sellable'), row(2, 'damaged')]);
  });

  test('945 ships what was shipped, and not what was ordered', async () => {
    const segments = [
      'W06*F*SO-1*20260301*SH-1',
      'N1*WH*W*92*EAST',
      'LX*1',
      'W12*CC*5*4*1*EA**SK*CABLE-2M',
      'LX*2',
      'W12*BP*3*0*3*EA**SK*LAMP',
      'W03*4',
    ];
    expect(await mapped('x12', x12('945', segments))).toEqual([
      {
        type: 'shipment.confirmed.v1',
        time: made,
        data: {
          ...{ orderRef: 'SO-1', shipmentRef: 'SH-1', location: 'EAST' },
          lines: [{ sku: 'CABLE-2M', quantity: 4, uom: 'EA' }],
        },
      },
    ]);
  });

  test('947 adjusts by the sign of its quantity', async () => {
    const segments = ['W15*20260301*ADJ-1', 'N1*WH*W*92*EAST', 'W19*05*-3*EA**SK*CABLE-2M'];
    expect(await mapped('x12', x12('947', segments))).toMatchObject([
      {
        type: 'stock.adjusted.v1',
        data: { sku: 'CABLE-2M', quantity: -3, location: 'EAST', reason: '05', reference: 'ADJ-1' },
      },
    ]);
  });

  const good = x12('846', levels);
  test.each<[string, string, RegExp]>([
    ['a test', x12('846', levels, { usage: 'T' }), /marked as a test/],
    ['a set that is an instruction', x12('850', ['BEG*00*NE*PO-1**20260301']), /850 says nothing of stock/],
    ['a segment count that is wrong', good.replace('SE*14', 'SE*13'), /SE01 \(13\)/],
    ['a set that ends another', good.replace(/SE\*14\*0001/, 'SE*14*0002'), /SE02|0002/],
    ['a group count that is wrong', good.replace('GE*1', 'GE*2'), /GE01 \(2\)/],
    ['an interchange that ends another', good.replace('IEA*1*000000042', 'IEA*1*000000043'), /IEA02 \(43\)/],
    ['no end', good.slice(0, good.indexOf('IEA')), /it has no IEA/],
    ['no end of the set', good.replace(/SE\*14\*0001~\n/, ''), /has no SE/],
    ['a last segment cut off', good.trimEnd().slice(0, -3), /is not terminated/],
    ['lines that are not as many as counted', good.replace('CTT*3', 'CTT*4'), /counts 4 lines, and there are 3/],
    ['a lost terminator', good.replace('QTY*17*120*EA~\nQTY', 'QTY*17*120*EAQTY'), /SE01 \(14\) .* \(13\)/],
    [
      'a lost terminator that leaves few elements',
      good.replace('QTY*17*3~\nUIT', 'QTY*17*3*XUIT'),
      /no unit of measure|elements|SE01/,
    ],
    [
      'a hash total that is wrong',
      x12('856', notice()).replace('CTT*6*10', 'CTT*6*11'),
      /CTT02 .* says 11, and its lines have 10/,
    ],
    ['a level of no parent', x12('856', notice()).replace('HL*6*5*I', 'HL*6*9*I'), /HL 6 .* names 9 as its parent/],
    ['an item of no known number', x12('846', ['LIN**ZZ*TX', 'QTY*17*1']), /names no item .* \(ZZ TX\)/],
    ['a quantity that is no number', x12('846', ['LIN**SK*A', 'QTY*17*MANY']), /"MANY" is no number/],
  ])('refuses %s, whole and readably', async (_, text, detail) => {
    expect(await refused('x12', text, { constants: { location: 'EAST' } })).toMatch(detail);
  });

  test('cut short anywhere, or without any of its segments, it is refused', async () => {
    const segments = good.split('\n');
    const given = { constants: { location: 'EAST' } };
    const without = fc
      .subarray([...segments.keys()], { minLength: 1 })
      .map((lost) => segments.filter((_, i) => !lost.includes(i)).join('\n'));
    const short = fc.nat(good.trimEnd().length - 1).map((length) => good.slice(0, length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(without, short), async (text) => {
        await expect(mapped('x12', text, given)).rejects.toBeInstanceOf(MappingFailed);
      }),
      { numRuns: 200 },
    );
  });
});

describe('EDIFACT', () => {
  const stock = [
    'BGM+35+INV-1+9',
    'DTM+366:202603010700:203',
    'NAD+WH+4012345000016::9',
    'LIN+1++4006381333931:EN',
    'QTY+145:12,5:KGM',
    'LIN+2',
    'PIA+5+V?+9:SA',
    'QTY+145:3',
    'UNS+S',
    'CNT+2:2',
  ];
  const given: Given = { constants: { locations: { '4012345000016': 'HAM' } } };

  test.each([
    ['no UNA', edifact('INVRPT', stock)],
    ['a UNA', edifact('INVRPT', stock, "UNA:+.? '")],
    ['a UNA of syntax 4, with a repetition separator', edifact('INVRPT', stock, "UNA:+.?*'")],
    [
      'other delimiters',
      `UNA|^,!_#${edifact('INVRPT', stock)
        .replace(/[:+?']/g, (c) => ({ ':': '|', '+': '^', '?': '!', "'": '#' })[c] as string)
        .replace('!^9', '+9')}`,
    ],
  ])('INVRPT says what is in stock, with %s', async (_, text) => {
    expect(await mapped('edifact', text, given)).toEqual([
      {
        type: 'stock.snapshot.v1',
        time: '2026-03-01T07:00:00.000Z',
        data: {
          ...{ complete: false, basis: 'on_hand' },
          rows: [
            { ...gtin('04006381333931'), quantity: 12.5, uom: 'KGM', location: 'HAM' },
            { identifier: { type: 'partner', value: 'V+9', party: 'acme' }, quantity: 3, location: 'HAM' },
          ],
        },
      },
    ]);
  });

  const despatch = [
    'BGM+351+DN-1+9',
    'DTM+137:20260301:102',
    'DTM+17:20260303:102',
    'RFF+ON:PO-1',
    'NAD+DP+EAST::92',
    'NAD+SF+DOCK::92',
    'CPS+1',
    'LIN+1++4006381333931:EN',
    'QTY+12:4:PCE',
    'LIN+2++4006381333931:EN',
    'QTY+12:6:PCE',
    'RFF+ON:PO-2',
    'CNT+2:2',
  ];

  test('DESADV inbound announces', async () => {
    expect(await mapped('edifact', edifact('DESADV', despatch))).toEqual([
      {
        type: 'supply.expected.v1',
        time: made,
        data: {
          ...gtin('04006381333931'),
          ...{ quantity: 10, uom: 'EA', location: 'EAST', kind: 'asn', reference: 'DN-1' },
          expectedAt: '2026-03-03T00:00:00.000Z',
        },
      },
    ]);
  });

  test('DESADV outbound is a shipment an order', async () => {
    const data = (order: string, quantity: number) => ({
      ...{ orderRef: order, shipmentRef: `DN-1/${order}`, location: 'DOCK' },
      lines: [{ ...gtin('04006381333931'), quantity, uom: 'EA' }],
    });
    const said = await mapped('edifact-outbound', edifact('DESADV', despatch));
    expect(said.map((event) => event.data)).toEqual([data('PO-1', 4), data('PO-2', 6)]);
  });

  const ofFunction = (code: string, [bgm = '', ...segments]: string[]) => [bgm.replace(/9$/, code), ...segments];

  test('DESADV of function 1 takes back what it had announced, with or without its lines', async () => {
    const [bgm = '', made = ''] = ofFunction('1', despatch);
    const cancelled = { type: 'supply.cancelled.v1', data: { kind: 'asn', reference: 'DN-1' } };
    expect(await mapped('edifact', edifact('DESADV', ofFunction('1', despatch)))).toMatchObject([cancelled]);
    expect(await mapped('edifact', edifact('DESADV', [bgm, made]))).toMatchObject([cancelled]);
    const other = [bgm.replace('DN-1', 'DN-2'), made, 'RFF+ACW:DN-1'];
    expect(await mapped('edifact', edifact('DESADV', other))).toMatchObject([cancelled]);
  });

  test('DESADV outbound of function 1 takes back each order by the name that it was shipped under', async () => {
    const type = 'shipment.cancelled.v1';
    const data = (order: string) => ({ orderRef: order, shipmentRef: `DN-1/${order}` });
    expect(await mapped('edifact-outbound', edifact('DESADV', ofFunction('1', despatch)))).toMatchObject([
      { type, data: data('PO-1') },
      { type, data: data('PO-2') },
    ]);
    const bare = ofFunction('1', despatch).slice(0, 4);
    expect(await mapped('edifact-outbound', edifact('DESADV', bare))).toMatchObject([
      { type, data: { orderRef: 'PO-1', shipmentRef: 'DN-1' } },
    ]);
  });

  const receipt = [
    'BGM+632+RC-1+9',
    'DTM+50:202603010800:203',
    'RFF+ON:PO-1',
    'NAD+DP+EAST::92',
    'CPS+1',
    'LIN+1++4006381333931:EN',
    'QTY+48:10',
    'QTY+124:2',
    'LIN+2++4006381333931:EN',
    'QTY+48:10',
    'QTY+194:7',
  ];

  test.each<[string, string, string, string[], RegExp]>([
    ['edifact', '1', 'RECADV', receipt, /RECADV RC-1 is of function 1: only an original \(9\) is booked.*by hand/],
    ['edifact', '5', 'RECADV', receipt, /function 5: only an original/],
    ['edifact', '7', 'RECADV', receipt, /function 7: only an original/],
    [
      'edifact',
      '1',
      'INVRPT',
      stock,
      /INVRPT INV-1 is of function 1: it takes figures back.*ask for what is there now/,
    ],
    ['edifact', '3', 'DESADV', despatch, /function 3: it changes a despatch advice/],
    ['edifact-outbound', '4', 'DESADV', despatch, /function 4: it changes a despatch advice.*by hand/],
  ])('%s books nothing of function %s of %s', async (profile, code, type, segments, detail) => {
    expect(await refused(profile, edifact(type, ofFunction(code, segments)), given)).toMatch(detail);
  });

  test('RECADV receives what was accepted, else what was received less the damaged', async () => {
    const row = (quantity: number, condition: string) => ({
      type: 'stock.received.v1',
      time: '2026-03-01T08:00:00.000Z',
      data: { ...gtin('04006381333931'), quantity, location: 'EAST', reference: 'PO-1', condition },
    });
    expect(await mapped('edifact', edifact('RECADV', receipt))).toEqual([
      row(8, 'sellable'),
      row(2, 'damaged'),
      row(7, 'sellable'),
    ]);
  });

  const good = edifact('INVRPT', stock);
  test.each<[string, string, RegExp]>([
    [
      'a segment count that is wrong',
      good.replace('UNT+12', 'UNT+11'),
      /UNT of message 1 counts 11 segments, and there are 12/,
    ],
    ['a message that ends another', good.replace('UNT+12+1', 'UNT+12+2'), /UNT ends 2, and UNH began 1/],
    ['a message count that is wrong', good.replace('UNZ+1', 'UNZ+2'), /UNZ counts 2 messages, and there are 1/],
    ['an interchange that ends another', good.replace('UNZ+1+42', 'UNZ+1+43'), /UNZ ends 43, and UNB began 42/],
    ['no end', good.slice(0, good.indexOf('UNZ')), /does not go from UNB to UNZ/],
    ['no end of the message', good.replace(/UNT[^']*'\r\n/, ''), /message 1 has no UNT/],
    ['a last segment cut off', good.slice(0, -1), /incomplete/],
    ['lines that are not as many as counted', good.replace('CNT+2:2', 'CNT+2:3'), /counts 3 lines, and there are 2/],
    ['a message that is an instruction', edifact('ORDERS', ['BGM+220+1+9']), /ORDERS says nothing of stock/],
    ['single movements', edifact('INVRPT', ['LIN+1++4006381333931:EN', 'QTY+145:1', 'INV+1']), /reports movements/],
    ['delimiters that are the same', `UNA++.? '${good}`, /not different/],
  ])('refuses %s, whole and readably', async (_, text, detail) => {
    expect(await refused('edifact', text, given)).toMatch(detail);
  });
});
