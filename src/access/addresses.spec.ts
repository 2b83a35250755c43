import fc from 'fast-check';
import { addressesOf, isAddressRange, isAmong, networkOf } from './addresses.js';

describe('an address range', () => {
  it.each(['203.0.113.7', '10.0.0.0/8', '0.0.0.0/0', '2001:db8::/32', '::1', '::ffff:10.0.0.1'])(
    'may be %s',
    (range) => {
      expect(isAddressRange(range)).toBe(true);
    },
  );

  it.each([
    '',
    'localhost',
    '10.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fe80::1%eth0',
    '010.0.0.1',
  ])('is not "%s"', (range) => {
    expect(isAddressRange(range)).toBe(false);
  });

  it('holds what it covers, also IPv4 as an IPv6 socket gives it', () => {
    const list = addressesOf(['203.0.113.0/24', '2001:db8::/32', '198.51.100.7']);
    const within = ['203.0.113.0', '203.0.113.255', '::ffff:203.0.113.9', '2001:db8:1::1', '198.51.100.7'];
    const outside = ['203.0.114.0', '::ffff:203.0.112.9', '2001:db9::1', '198.51.100.8', '', 'nowhere'];
    expect([...within, ...outside].filter((address) => isAmong(list, address))).toEqual(within);
  });

  it('of any length holds exactly the addresses that begin as it does', () => {
    const address = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255));
    const bits = (parts: readonly number[]) => parts.map((part) => part.toString(2).padStart(8, '0')).join('');
    fc.assert(
      fc.property(address, address, fc.nat(32), (base, other, length) => {
        const list = addressesOf([`${base.join('.')}/${length}`]);
        const begins = bits(base).slice(0, length) === bits(other).slice(0, length);
        expect(isAmong(list, other.join('.'))).toBe(begins);
      }),
    );
  });
});

describe('who is counted as one caller', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:1::ffff', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s is of %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
