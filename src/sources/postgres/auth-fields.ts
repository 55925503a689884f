import { z } from 'zod';

import { entryFields, type FieldValues, type GivenFields, type Report } from '../../auth/entry-fields.js';
import { choice, oneOfWords, path, stringMap, text } from '../../auth/fields.js';
import { checkConnectionString, port, requireFields, sessionTimeouts, timeoutFields } from '../auth-fields.js';
import type { PostgresInfo } from './info.js';

const DEFAULT_PORT = 5432;

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

const sslMode = z
  .preprocess((value) => (value === true ? 'require' : value === false ? 'disable' : value), choice(SSL_MODES))
  .meta(oneOfWords([...SSL_MODES, true, false]));

const SSL_NEGOTIATIONS = ['postgres', 'direct'] as const;

const fields = {
  ...timeoutFields,
  server: {
    schema: text.refine((host) => !/^[^:/]+:\d+$/.test(host), 'contains a port, which belongs in `port`').optional(),
    synonyms: ['host', 'hostname'],
  },
  port: { schema: port.optional() },
  database: { schema: text.optional(), synonyms: ['dbname'] },
  username: { schema: text.optional(), synonyms: ['user'] },
  password: { schema: text.optional(), secret: true },
  ssl: { schema: sslMode.optional(), synonyms: ['sslmode', 'ssl_mode'] },
  ssl_ca: { schema: path.optional(), synonyms: ['sslrootcert', 'ssl_root_cert'] },
  ssl_cert: { schema: path.optional(), synonyms: ['sslcert'] },
  ssl_key: { schema: path.optional(), synonyms: ['sslkey'] },
  ssl_negotiation: {
    schema: choice(SSL_NEGOTIATIONS).optional(),
    synonyms: ['sslnegotiation'],
  },
  options: {
    schema: stringMap
      .refine(
        (settings) => Object.keys(settings).every((name) => /^[a-z_][\w.]*$/i.test(name)),
        'contains a name that is not a valid server setting',
      )
      .default({}),
  },
  source_encoding: { schema: text.optional() },
  connection_string: { schema: text.optional(), secret: true },
};

type Fields = FieldValues<typeof fields>;

export const postgresFields = entryFields({ fields, check, build });

/** What a connection string says in their place. */
const SINGLES = [
  'server',
  'port',
  'database',
  'username',
  'password',
  'ssl',
  'ssl_ca',
  'ssl_cert',
  'ssl_key',
  'ssl_negotiation',
] as const satisfies readonly (keyof typeof fields)[];

function check(found: GivenFields, report: Report): void {
  checkConnectionString(found, SINGLES, report);
  requireFields(found, ['server', 'username'], report);
  for (const [name, other] of [['ssl_cert', 'ssl_key'] as const, ['ssl_key', 'ssl_cert'] as const]) {
    if (found[name] !== undefined && found[other] === undefined) report(other, `is required with \`${name}\``);
  }
  const { ssl = found['ssl_ca'] === 'system' ? 'verify-full' : 'prefer', ssl_negotiation: negotiation } = found;
  if (negotiation === 'direct' && (ssl === 'disable' || ssl === 'prefer')) {
    report('ssl_negotiation', 'of `direct` requires `ssl` to be `require`, `verify-ca` or `verify-full`');
  }
}

function build(found: Fields): PostgresInfo {
  const session = { options: found.options, sourceEncoding: found.source_encoding, ...sessionTimeouts(found) };
  if (found.connection_string !== undefined) return { ...session, connectionString: found.connection_string };
  return {
    ...session,
    connectionString: undefined,
    // `check` has ensured that server and user are present.
    server: found.server ?? '',
    port: found.port ?? DEFAULT_PORT,
    database: found.database,
    username: found.username ?? '',
    password: found.password,
    ssl: found.ssl ?? 'prefer',
    sslCa: found.ssl_ca,
    sslCert: found.ssl_cert,
    sslKey: found.ssl_key,
    tlsNegotiation: found.ssl_negotiation === 'direct' ? 'direct' : undefined,
  };
}
