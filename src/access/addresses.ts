import { BlockList, isIP } from 'node:net';

const IPV4_IN_IPV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** An address, or a range in CIDR notation such as 203.0.113.0/24 or 2001:db8::/32. */
export function isAddressRange(text: string): boolean {
  const { address, family, prefix } = parse(text);
  if (family === 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128) && !!address);
}

/** Of texts for which `isAddressRange` holds. */
export function addressesOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const { address, family, prefix } = parse(range);
    list.addSubnet(address, Number(prefix ?? (family === 4 ? 32 : 128)), family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** An address as a socket or a proxy gives it: IPv4 also as IPv6 writes it. What is none is in no range. */
export function isAmong(list: BlockList, given: string): boolean {
  const { address, family } = parse(given);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}

/** What is counted as one caller: an IPv4 address, and of IPv6 the /64, of which one subscriber has all addresses. */
export function networkOf(given: string): string {
  const { address, family } = parse(given.replace(/%.*$/, ''));
  if (family !== 6) return address;
  const [head = '', tail] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail ? tail.split(':') : [];
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - behind.length)).fill('0');
  const first = [...groups, ...zeros, ...behind].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${first.join(':')}::/64`;
}

function parse(text: string): { address: string; family: number; prefix: string | undefined } {
  const [whole = '', prefix, ...more] = text.split('/');
  const address = IPV4_IN_IPV6.exec(whole)?.[1] ?? whole;
  return { address, family: more.length > 0 || address.includes('%') ? 0 : isIP(address), prefix };
}
