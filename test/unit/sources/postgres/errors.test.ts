import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { LakeportError } from '../../../../src/errors.js';
import { postgresError } from '../../../../src/sources/postgres/errors.js';

function serverError(code: string, fields: Partial<pg.DatabaseError> = {}): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('the server says so', 10, 'error'), { code, severity: 'ERROR', ...fields });
}

const socketError = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe('whether another attempt may help is told by the code', () => {
  test.each(['08006', '40001', '40P01', '53300', '57P01', '57P02', '57P03', '55P03'])('%s may pass', (state) => {
    expect(postgresError(serverError(state)).transient).toBe(true);
  });
  test.each(['28P01', '3D000', '42501', '42P01', '22P02', '53200', '57014', 'XX000', '58030'])('%s stays', (state) => {
    expect(postgresError(serverError(state)).transient).toBe(false);
  });
  test.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAI_AGAIN', 'ECONNREFUSED', 'ENOENT'])('%s may pass', (errno) => {
    expect(postgresError(socketError(errno))).toMatchObject({ transient: true, exit: 'unreachable' });
  });
  test.each(['ENOTFOUND', 'EACCES'])('%s stays', (errno) => {
    expect(postgresError(socketError(errno))).toMatchObject({ transient: false, exit: 'unreachable' });
  });
  test('a connection that ended without a word may come back', () => {
    const error = postgresError(new Error('Connection terminated unexpectedly'));
    expect(error).toMatchObject({ code: 'SOURCE_CONNECTION_LOST', exit: 'unreachable', transient: true });
  });
  test('what is not known stays', () => {
    expect(postgresError(new TypeError('x is not a function'))).toMatchObject({ code: 'UNEXPECTED', transient: false });
  });
});

test('the place of the error comes with it, and the grant that is missing', () => {
  const place = { entry: 'ds_pg', table: { schema: 's', name: 'a"b' }, slice: 3 };
  const error = postgresError(serverError('42501', { routine: 'aclcheck_error' }), place);
  expect(error).toMatchObject({
    code: 'TABLE_PERMISSION_DENIED',
    exit: 'tables-failed',
    message: 'the server says so',
  });
  expect(error.context).toEqual({ entry: 'ds_pg', table: 's.a"b', slice: 3, detail: 'SQLSTATE 42501' });
  expect(error.hint).toContain('GRANT SELECT ON "s"."a""b"');
});

test('row security is told from a missing grant', () => {
  const error = postgresError(serverError('42501', { routine: 'check_enable_rls' }));
  expect(error.code).toBe('TABLE_ROW_SECURITY');
  expect(error.hint).toContain('row_security');
});

test('a value that the server quotes stays out of the message', () => {
  const thrown = serverError('22P02', { message: 'invalid input syntax for type integer: "a secret"' });
  expect(postgresError(thrown).message).not.toContain('secret');
});

test('an error of the house keeps its code and gets the place that it lacks', () => {
  const known = new LakeportError({ code: 'DISK_FULL', exit: 'unexpected', message: 'full', context: { slice: 1 } });
  const error = postgresError(known, { slice: 2, entry: 'ds_pg' });
  expect(error).toMatchObject({ code: 'DISK_FULL', context: { slice: 1, entry: 'ds_pg' } });
});
