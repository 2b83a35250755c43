import { combined } from './combined.js';

describe('a statement of several', () => {
  it('has their parameters one after the other', () => {
    const { name, text } = combined(
      'both',
      { name: 'a', text: 'insert into a select $1, $2, $1' },
      { name: 'b', text: ' update b set x = $1' },
      { name: 'c', text: ' insert into c select $2, $1' },
    );
    expect(name).toBe('both');
    expect(text).toBe(
      'with part_1 as (insert into a select $1, $2, $1), part_2 as ( update b set x = $3) insert into c select $5, $4',
    );
  });
});
