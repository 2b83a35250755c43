import { toGtin14 } from '../catalog/gs1.js';

/** What an identifier of EPCIS names: a class of goods, and of it the lot or the single piece where it says so. */
export interface Trade {
  readonly gtin: string;
  readonly lot?: string;
  readonly serial?: string;
}

/**
 * The goods that an EPC names: as a URN of the Tag Data Standard (`sgtin`, `lgtin`, also as patterns of a whole class), or
 * as a GS1 Digital Link. undefined for what names none, such as a pallet (SSCC) or an asset.
 */
export function tradeOf(epc: string): Trade | undefined {
  const urn = /^urn:epc:(?:id|class|idpat):(sgtin|lgtin):(\d+)\.(\d+)\.(.+)$/.exec(epc);
  if (urn) {
    const [, kind, prefix, item, rest] = urn as unknown as [string, string, string, string, string];
    const gtin = withCheckDigit(`${item.charAt(0)}${prefix}${item.slice(1)}`, 14);
    if (gtin === undefined) return undefined;
    if (rest === '*') return { gtin };
    return kind === 'lgtin' ? { gtin, lot: unescaped(rest) } : { gtin, serial: unescaped(rest) };
  }
  const link = /^https?:\/\/[^/]+\/(?:.*\/)?01\/(\d{8,14})((?:\/\d{2,4}\/[^/?#]+)*)/.exec(epc);
  if (!link) return undefined;
  const gtin = toGtin14(link[1] as string);
  if (gtin === undefined) return undefined;
  const parts = (link[2] ?? '').split('/').slice(1);
  const at = (key: string) => {
    const i = parts.findIndex((part, j) => j % 2 === 0 && part === key);
    return i < 0 ? undefined : unescaped(parts[i + 1] as string);
  };
  const [lot, serial] = [at('10'), at('21')];
  return { gtin, ...(lot === undefined ? {} : { lot }), ...(serial === undefined ? {} : { serial }) };
}

/** The GLN of a place: of `sgln` as a URN, or a Digital Link; what lies within it (the extension) is left out. */
export function glnOf(id: string): string | undefined {
  const urn = /^urn:epc:id:sgln:(\d+)\.(\d*)\./.exec(id);
  if (urn) return withCheckDigit(`${urn[1]}${urn[2]}`, 13);
  return /^https?:\/\/[^/]+\/(?:.*\/)?414\/(\d{13})(?:[/?#]|$)/.exec(id)?.[1];
}

/** The digits with their check digit behind them; undefined unless they are then as many as `length`. */
function withCheckDigit(digits: string, length: number): string | undefined {
  if (digits.length !== length - 1) return undefined;
  const sum = [...digits].reverse().reduce((total, digit, i) => total + Number(digit) * (i % 2 === 0 ? 3 : 1), 0);
  return `${digits}${(10 - (sum % 10)) % 10}`;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
