import { changeSince } from './check.js';

const steady = (figure: number) => ({ figure, rounds: [figure, figure, figure] });

describe('A ratio that is compared with the record', () => {
  it('may lose 15 % where its rounds agree, and no more', () => {
    expect(changeSince(2, steady(1.71), 'more')).toMatchObject({ noise: 0, lost: false });
    expect(changeSince(2, steady(1.69), 'more')).toMatchObject({ noise: 0, lost: true });
  });

  it('may lose as much more as half of the distance between its best and its worst round', () => {
    const { loss, noise, lost } = changeSince(2, { figure: 1.5, rounds: [1.32, 1.5, 1.68] }, 'more');
    expect(loss).toBeCloseTo(0.25);
    expect(noise).toBeCloseTo(0.12);
    expect(lost).toBe(false);
    expect(changeSince(2, { figure: 1.5, rounds: [1.38, 1.5, 1.62] }, 'more').lost).toBe(true);
  });

  it('loses by becoming more where less is better', () => {
    expect(changeSince(1, steady(1.16), 'less').lost).toBe(true);
    expect(changeSince(1, steady(1.14), 'less').lost).toBe(false);
  });

  it('may gain what it likes', () => {
    expect(changeSince(1, steady(4), 'more')).toMatchObject({ loss: -3, lost: false });
    expect(changeSince(1, steady(0.2), 'less')).toMatchObject({ loss: -0.8, lost: false });
  });
});
