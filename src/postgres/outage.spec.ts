import { isConflict, isOutage } from './outage.js';

describe('an outage', () => {
  it.each([
    [{ code: '57P01', message: 'terminating connection due to administrator command' }],
    [{ code: '53300', message: 'sorry, too many clients already' }],
    [{ code: '08006', message: 'connection failure' }],
    [{ code: '25006', message: 'cannot execute UPDATE in a read-only transaction' }],
    [{ code: '0A000', message: 'cached plan must not change result type' }],
    [{ code: 'ECONNREFUSED', message: '' }],
    [{ code: 'EPIPE', message: 'write EPIPE' }],
    [{ message: 'Connection terminated unexpectedly' }],
    [{ message: 'Connection terminated due to connection timeout' }],
    [{ message: 'Client has encountered a connection error and is not queryable' }],
    [{ message: 'Client was closed and is not queryable' }],
    [{ message: 'timeout exceeded when trying to connect' }],
    [{ message: 'timeout expired' }],
    [{ message: 'Query read timeout' }],
    [{ message: 'Query runner already released. Cannot run queries anymore.' }],
  ])('is %j: another connection, or a later one, may do', (error) => {
    expect(isOutage(error)).toBe(true);
  });

  it.each([
    [{ code: '23505', message: 'duplicate key value violates unique constraint' }],
    [{ code: '22021', message: 'invalid byte sequence for encoding "UTF8": 0x00' }],
    [{ code: '40P01', message: 'deadlock detected' }],
    [{ message: 'Cannot read properties of undefined' }],
    [undefined],
    [null],
    ['a string'],
  ])('is not %j', (error) => {
    expect(isOutage(error)).toBe(false);
  });
});

describe('a conflict', () => {
  it.each(['40001', '40P01', '55P03', '57014'])('is %s: the same connection may do at once', (code) => {
    expect(isConflict({ code })).toBe(true);
    expect(isOutage({ code })).toBe(false);
  });

  it.each([{ code: '23505' }, { code: 'ECONNRESET' }, {}, undefined])('is not %j', (error) => {
    expect(isConflict(error)).toBe(false);
  });
});
