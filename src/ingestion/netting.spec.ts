import { nettedOf, onHandOf } from './netting.js';

/** Commitments of 10 made before the figure's moment and of 19 after it: 29 reserved. */
const commitments = [
  { committedAt: 100, open: 10 },
  { committedAt: 300, open: 19 },
];

describe('a figure and our own commitments (semantics.md 24)', () => {
  it('80 gross with 29 reserved leave 51', () => {
    expect(onHandOf(80, 'on_hand', 0, nettedOf(commitments, 200)) - 29).toBe(51);
  });

  it('70 net of 10 of those 29 leave 51 too', () => {
    expect(onHandOf(70, 'available', 0, nettedOf(commitments, 200)) - 29).toBe(51);
  });

  it.each([
    ['none that came later', 99, 0],
    ['one made in that very moment', 100, 10],
    ['all of them', 300, 29],
  ])('nets %s', (_, upTo, netted) => {
    expect(nettedOf(commitments, upTo)).toBe(netted);
  });

  it('counts what cannot be sold back in only where the figure leaves it out', () => {
    expect(onHandOf(70, 'available', 5, 10)).toBe(85);
    expect(onHandOf(80, 'on_hand', 5, 10)).toBe(80);
  });
});
