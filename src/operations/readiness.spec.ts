import { DatabaseFacts, judgeDatabase, overall } from './readiness.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const SOUND: DatabaseFacts = {
  readOnly: false,
  durability: { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' },
  role: 'holdfast_app',
  rewritesLedger: false,
  clock: NOON,
};

describe('a database', () => {
  const failing = (facts: Partial<DatabaseFacts>, before = NOON, after = NOON) =>
    Object.entries(judgeDatabase({ ...SOUND, ...facts }, before, after))
      .filter(([, { status }]) => status === 'fail')
      .map(([name]) => name);

  it('passes when it writes, keeps what it acknowledged, protects the ledger and knows the time', () => {
    expect(failing({})).toEqual([]);
  });

  it.each(['fsync', 'full_page_writes', 'synchronous_commit'])('fails with %s off, and says so', (setting) => {
    const durability = { ...SOUND.durability, [setting]: 'off' };
    expect(failing({ durability })).toEqual(['durability']);
    expect(judgeDatabase({ ...SOUND, durability }, NOON, NOON).durability?.detail).toContain(`${setting} off`);
  });

  it.each(['local', 'remote_write', 'remote_apply'])('passes with synchronous_commit %s', (synchronous_commit) => {
    expect(failing({ durability: { ...SOUND.durability, synchronous_commit } })).toEqual([]);
  });

  it('fails as a standby, and where the ledger can be rewritten', () => {
    expect(failing({ readOnly: true })).toEqual(['postgres']);
    expect(failing({ rewritesLedger: true })).toEqual(['ledger']);
  });

  it.each([
    ['agrees', 0, []],
    ['is 999 ms ahead', 999, []],
    ['is 1 s ahead', 1_000, ['clock']],
    ['is 999 ms behind', -999, []],
    ['is 1 s behind', -1_000, ['clock']],
  ])('whose clock %s', (_, skew, expected) => {
    expect(failing({ clock: NOON + skew })).toEqual(expected);
  });

  it('is not blamed for the time its answer took', () => {
    expect(failing({ clock: NOON }, NOON - 3_000, NOON + 3_000)).toEqual([]);
  });
});

it('the worst finding is the answer', () => {
  const of = (...statuses: ('pass' | 'warn' | 'fail')[]) => overall(statuses.map((status) => ({ status, detail: '' })));
  expect([of(), of('pass'), of('pass', 'warn'), of('warn', 'fail', 'pass')]).toEqual(['pass', 'pass', 'warn', 'fail']);
});
