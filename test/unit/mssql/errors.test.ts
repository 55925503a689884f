import { describe, expect, test } from 'vitest';
import { LakeportError } from '../../../src/errors.js';
import { mssqlError, ServerError } from '../../../src/sources/mssql/errors.js';

const reported = (number: number) => new ServerError(number, 'the server says so');
const socketError = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe('whether another attempt may help is told by the number', () => {
  test.each([
    ...[1205, 1204, 1222, 601, 41325, 8645, 701], // deadlock, locks, conflicts, memory
    ...[596, 6005, 17142, 18401], // killed, shut down, paused, starting
    ...[10928, 10929, 10936, 17809, 40501, 40551, 49918, 49919, 49920], // throttled
    ...[615, 982, 983, 4221, 40143, 40166, 40197, 40540, 40613], // failing over
  ])('error %i may pass', (number) => {
    expect(mssqlError(reported(number)).transient).toBe(true);
  });
  test.each([18456, 18487, 18488, 4060, 916, 3952, 3966, 208, 207, 229, 529, 824, 8134, 99_999])(
    'error %i stays',
    (number) => {
      expect(mssqlError(reported(number)).transient).toBe(false);
    },
  );
  test.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN'])('%s may pass', (errno) => {
    expect(mssqlError(socketError(errno))).toMatchObject({ transient: true, exit: 'unreachable' });
  });
  test.each(['ECONNREFUSED', 'ENOTFOUND'])('%s stays', (errno) => {
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
    hint: 'GRANT SELECT ON [s].[a]]b] TO this user (behind a view of another owner: on what the message names), or leave the table out with --exclude',
    context: { entry: 'ds_ms', table: 's.a]b', slice: 3, detail: 'error 229' },
  });
});

test('what is an error of ours already keeps its words', () => {
  const own = new LakeportError({ code: 'X', exit: 'usage', message: 'm' });
  expect(mssqlError(own, { entry: 'ds_ms' })).toMatchObject({ code: 'X', message: 'm', context: { entry: 'ds_ms' } });
});

test('what is not known is unexpected', () => {
  expect(mssqlError(new TypeError('x is not a function'))).toMatchObject({ code: 'UNEXPECTED', transient: false });
  expect(mssqlError(reported(99_999))).toMatchObject({ code: 'SOURCE_QUERY_FAILED', exit: 'tables-failed' });
});
