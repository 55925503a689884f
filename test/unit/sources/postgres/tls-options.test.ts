import { describe, expect, it } from 'vitest';

import type { PostgresSettings } from '../../../../src/sources/postgres/connection/settings.js';
import { tlsOptions } from '../../../../src/sources/postgres/connection/tls-options.js';

function trustOf(ssl: PostgresSettings['ssl'], ca?: string) {
  // Only what the options depend on.
  const settings = { ssl, certificates: ca === undefined ? {} : { ca } } as PostgresSettings;
  const { rejectUnauthorized, ca: authorities } = tlsOptions(settings) ?? {};
  return { rejectUnauthorized, authorities };
}

describe('an encrypted connection', () => {
  it.each(['prefer', 'require'] as const)('that trusts any server reads no list of authorities (%s)', (ssl) => {
    expect(trustOf(ssl)).toEqual({ rejectUnauthorized: false, authorities: [] });
  });

  it.each(['require', 'verify-ca', 'verify-full'] as const)('trusts the authority that is named (%s)', (ssl) => {
    expect(trustOf(ssl, 'PEM')).toEqual({ rejectUnauthorized: true, authorities: 'PEM' });
  });

  it.each(['verify-ca', 'verify-full'] as const)('without a named one trusts those that Node trusts (%s)', (ssl) => {
    expect(trustOf(ssl)).toEqual({ rejectUnauthorized: true, authorities: undefined });
  });
});
