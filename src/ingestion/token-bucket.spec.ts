import { TokenBucket } from './token-bucket.js';

describe('a bucket', () => {
  it('gives its burst at once, and then what comes back by the minute', () => {
    const bucket = new TokenBucket({ requestsPerMinute: 60, burst: 2 }, 0);
    expect([0, 0, 0].map((now) => bucket.take(now))).toEqual([0, 0, 1_000]);
    expect(bucket.take(400)).toBeCloseTo(600);
    expect(bucket.take(1_000)).toBe(0);
    expect(bucket.take(1_000)).toBeCloseTo(1_000);
  });

  it('never holds more than its burst, nor runs dry when the clock goes back', () => {
    const bucket = new TokenBucket({ requestsPerMinute: 60, burst: 1 }, 10_000);
    expect(bucket.take(3_600_000)).toBe(0);
    expect(bucket.take(3_600_000)).toBe(1_000);
    expect(bucket.take(0)).toBe(1_000);
  });
});
