import { z } from 'zod';

import { entryFields, type FieldValues, type GivenFields, type Report } from '../../auth/entry-fields.js';
import { choice, flag, oneOfWords, text } from '../../auth/fields.js';
import { checkConnectionString, port, requireFields, sessionTimeouts, timeoutFields } from '../auth-fields.js';
import type { MssqlInfo } from './info.js';

const DEFAULT_PORT = 1433;

/** `[tcp:]host[\instance][,port]`, as in SQL Server connection strings. */
const SERVER = /^(?:tcp:)?([^\\,]+)(?:\\([^\\,]+))?(?:,(\d{1,5}))?$/i;

const ENCRYPT_WORDS = ['true', 'false', 'mandatory', 'optional', 'yes', 'no', 'strict'] as const;

const fields = {
  ...timeoutFields,
  server: {
    schema: text.refine((server) => SERVER.test(server), 'must be host, host\\instance or host,port').optional(),
    synonyms: ['host', 'hostname'],
  },
  port: { schema: port.optional() },
  database: { schema: text.optional() },
  username: { schema: text.optional(), synonyms: ['user'] },
  password: { schema: text.optional(), secret: true },
  domain: { schema: text.optional() },
  encrypt: {
    schema: z
      .preprocess((value) => (typeof value === 'boolean' ? String(value) : value), choice(ENCRYPT_WORDS))
      .meta(oneOfWords([...ENCRYPT_WORDS, true, false]))
      .optional(),
  },
  trust_server_certificate: { schema: flag.optional() },
  connection_string: { schema: text.optional(), secret: true },
};

type Fields = FieldValues<typeof fields>;

export const mssqlFields = entryFields({ fields, check, build });

function check(found: GivenFields, report: Report): void {
  const singles = [
    'server',
    'port',
    'database',
    'username',
    'password',
    'domain',
    'encrypt',
    'trust_server_certificate',
  ];
  checkConnectionString(found, singles, report);
  requireFields(found, ['server', 'username', 'password'], report);
  const [, , instance, portOfServer] = SERVER.exec(String(found['server'])) ?? [];
  if (found['port'] !== undefined && portOfServer !== undefined) report('port', 'is already given in `server`');
  if (found['port'] !== undefined && instance !== undefined) {
    report('port', 'cannot be combined with an instance in `server`, which has its own port; keep one of them');
  }
}

function build(found: Fields): MssqlInfo {
  const session = sessionTimeouts(found);
  if (found.connection_string !== undefined) return { ...session, connectionString: found.connection_string };
  const [, server, instance, portOfServer] = SERVER.exec(found.server ?? '') ?? [];
  return {
    ...session,
    connectionString: undefined,
    // `check` has ensured that there is a server.
    server: server ?? '',
    instance,
    port:
      portOfServer !== undefined
        ? Number(portOfServer)
        : (found.port ?? (instance === undefined ? DEFAULT_PORT : undefined)),
    database: found.database,
    username: found.username,
    password: found.password,
    domain: found.domain,
    encrypt: encryption(found.encrypt),
    trustServerCertificate: found.trust_server_certificate ?? false,
  };
}

function encryption(word: Fields['encrypt']): boolean | 'strict' {
  if (word === 'strict') return 'strict';
  return word === undefined || word === 'true' || word === 'yes' || word === 'mandatory';
}
