import { describe, expect, test } from 'vitest';
import { mssqlError } from '../../../../src/sources/mssql/errors.js';
import { postgresError } from '../../../../src/sources/postgres/errors.js';

const failed = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

describe.each([
  ['PostgreSQL', postgresError],
  ['SQL Server', mssqlError],
])('a connection to %s that fails', (_, explain) => {
  test.each([
    ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ENOTCONN', 'ENETRESET'],
    ...['ETIMEDOUT', 'EAI_AGAIN', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'],
    ...['EMFILE', 'ENFILE'],
  ])('by %s is tried again', (code) => {
    expect(explain(failed(code))).toMatchObject({ transient: true, exit: 'unreachable' });
  });

  test.each([
    ['ENOTFOUND', 'SOURCE_HOST_UNKNOWN'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SOURCE_TLS_UNTRUSTED'],
    ['CERT_HAS_EXPIRED', 'SOURCE_TLS_UNTRUSTED'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'SOURCE_TLS_UNTRUSTED'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'SOURCE_TLS_UNTRUSTED'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'SOURCE_TLS_FAILED'],
    ['EPROTO', 'SOURCE_TLS_FAILED'],
  ])('by %s is not, as %s', (code, name) => {
    expect(explain(failed(code))).toMatchObject({ transient: false, exit: 'unreachable', code: name });
  });
});
