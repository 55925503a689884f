import { ConnectionError, RequestError } from 'tedious';
import { describe, expect, test } from 'vitest';
import { LakeportError } from '../../../../src/errors.js';
import { mssqlError, ServerError } from '../../../../src/sources/mssql/errors.js';

const reported = (number: number) => new ServerError(number, 'the server says so');
const socketError = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe('whether another attempt may help is told by the number', () => {
  test.each([
    ...[1205, 1204, 1222, 601, 41325, 8645, 701], // deadlock, locks, conflicts, memory
    ...[596, 6005, 17142, 17187, 17188, 18401, 4060], // killed, shut down, paused, starting, in recovery
    ...[10928, 10929, 10936, 17809, 40501, 40551, 49918, 49919, 49920], // throttled
    ...[615, 982, 983, 4221, 40143, 40166, 40197, 40540, 40613], // failing over
  ])('error %i may pass', (number) => {
    expect(mssqlError(reported(number)).transient).toBe(true);
  });
  test.each([18456, 18487, 18488, 916, 3952, 3966, 208, 207, 229, 529, 824, 8134, 99_999])(
    'error %i stays',
    (number) => {
      expect(mssqlError(reported(number)).transient).toBe(false);
    },
  );
  test.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ECONNREFUSED'])('%s may pass', (errno) => {
    expect(mssqlError(socketError(errno))).toMatchObject({ transient: true, exit: 'unreachable' });
  });
  test.each(['ENOTFOUND'])('%s stays', (errno) => {
    expect(mssqlError(socketError(errno))).toMatchObject({ transient: false, exit: 'unreachable' });
  });
});

test('what the driver wraps is told by what it wraps', () => {
  const wrapped = Object.assign(new Error('Failed to connect to h:1433'), {
    code: 'ESOCKET',
    cause: socketError('ECONNREFUSED'),
  });
  expect(mssqlError(wrapped)).toMatchObject({ code: 'SOURCE_REFUSED', message: 'connect ECONNREFUSED' });
  const several = new AggregateError([socketError('ECONNREFUSED'), socketError('ECONNREFUSED')]);
  expect(mssqlError(Object.assign(new Error('x'), { code: 'ESOCKET', cause: several }))).toMatchObject({
    code: 'SOURCE_REFUSED',
    message: 'connect ECONNREFUSED',
  });
});

test('of several addresses each is named, in place of how they were tried', () => {
  const refused = ['::1:1433', '127.0.0.1:1433'].map((address) =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' }),
  );
  const cause = new AggregateError(refused, 'Could not connect (sequence)');
  const driver = new Error('Failed to connect to localhost:1433 - Could not connect (sequence)', { cause });
  expect(mssqlError(Object.assign(driver, { code: 'ESOCKET' }))).toMatchObject({
    code: 'SOURCE_REFUSED',
    message: 'connect ECONNREFUSED ::1:1433, connect ECONNREFUSED 127.0.0.1:1433',
  });
});

test('a query that takes too long is no connection that does', () => {
  const query = mssqlError(new RequestError('Timeout', 'ETIMEOUT'));
  expect(query).toMatchObject({ code: 'SOURCE_STATEMENT_CANCELED', exit: 'tables-failed', transient: false });
  expect(query.hint).toContain('"statement_timeout"');
  expect(mssqlError(new ConnectionError('Timeout', 'ETIMEOUT'))).toMatchObject({
    code: 'SOURCE_TIMEOUT',
    exit: 'unreachable',
  });
});

test('of several errors of a query the first counts', () => {
  const several = new AggregateError([reported(208), reported(1105)]);
  expect(mssqlError(several)).toMatchObject({ code: 'TABLE_NOT_FOUND', context: { detail: 'error 208' } });
});

test('the place of the error comes with it, and the grant that is missing', () => {
  const place = { entry: 'ds_ms', table: { schema: 's', name: 'a]b' }, slice: 3 };
  expect(mssqlError(reported(229), place)).toMatchObject({
    code: 'TABLE_PERMISSION_DENIED',
    exit: 'tables-failed',
    message: 'the server says so',
    hint: 'GRANT SELECT ON [s].[a]]b] TO this user (for a view with another owner: on the object that the message names), or leave the table out with --exclude',
    context: { entry: 'ds_ms', table: 's.a]b', slice: 3, detail: 'error 229' },
  });
});

test('what is an error of ours already keeps its words', () => {
  const own = new LakeportError({ code: 'UNEXPECTED', exit: 'usage', message: 'm' });
  expect(mssqlError(own, { entry: 'ds_ms' })).toMatchObject({
    code: 'UNEXPECTED',
    message: 'm',
    context: { entry: 'ds_ms' },
  });
});

test('what is not known is unexpected', () => {
  expect(mssqlError(new TypeError('x is not a function'))).toMatchObject({ code: 'UNEXPECTED', transient: false });
  expect(mssqlError(reported(99_999))).toMatchObject({ code: 'SOURCE_QUERY_FAILED', exit: 'tables-failed' });
});
