import { isTimezone } from './location.js';

describe('a time zone', () => {
  it.each(['Europe/Berlin', 'America/Argentina/Buenos_Aires', 'UTC', 'Etc/GMT+5', 'Asia/Kolkata'])(
    'may be %s',
    (name) => {
      expect(isTimezone(name)).toBe(true);
    },
  );

  it.each(['Mars/Olympus', '+01:00', 'Europe', '', 'Europe/Berlin\0', 1])('may not be %j', (name) => {
    expect(isTimezone(name)).toBe(false);
  });
});
