import { z } from 'zod';

import type { MssqlInfo, PostgresInfo, SqliteInfo } from '../entries.js';
import { choice, duration, flag, limit, path, stringMap, text, wholeNumber } from './fields.js';
import { given, infoSchema, quoted, type GivenFields, type Report } from './info.js';

const PORT = wholeNumber({ least: 1, most: 65535 });
const POSTGRES_PORT = 5432;
const MSSQL_PORT = 1433;

const timeouts = {
  connect_timeout: duration.default(30_000),
  statement_timeout: limit.default(0),
};

const SSL_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

const sslMode = z.preprocess(
  (value) => (value === true ? 'require' : value === false ? 'disable' : value),
  choice(SSL_MODES),
);

const postgresFields = {
  ...timeouts,
  server: text.refine((host) => !/^[^:/]+:\d+$/.test(host), 'holds a port, which goes into `port`').optional(),
  port: PORT.optional(),
  database: text.optional(),
  username: text.optional(),
  password: text.optional(),
  ssl: sslMode.optional(),
  ssl_ca: path.optional(),
  ssl_cert: path.optional(),
  ssl_key: path.optional(),
  options: stringMap
    .refine(
      (settings) => Object.keys(settings).every((name) => /^[a-z_][\w.]*$/i.test(name)),
      'holds a name that no server setting can have',
    )
    .default({}),
  source_encoding: text.optional(),
  connection_string: text.optional(),
};

type PostgresFound = z.output<z.ZodObject<typeof postgresFields>>;

export const postgresInfo = infoSchema(postgresFields, { check: checkPostgres, build: buildPostgres });

export const postgresFieldNames = Object.keys(postgresFields);

/** A connection string and single fields can't both say where to connect to. */
function checkConnectionString(found: GivenFields, singles: readonly string[], report: Report): void {
  const beside = given(found, singles);
  if (found['connection_string'] === undefined || beside.length === 0) return;
  report('connection_string', `stands beside ${quoted(beside)}: give either the string or the single fields`);
}

function requireFields(found: GivenFields, names: readonly string[], report: Report): void {
  if (found['connection_string'] !== undefined) return;
  for (const name of names) if (found[name] === undefined) report(name, 'is missing');
}

function checkPostgres(found: GivenFields, report: Report): void {
  const singles = ['server', 'port', 'database', 'username', 'password', 'ssl', 'ssl_ca', 'ssl_cert', 'ssl_key'];
  checkConnectionString(found, singles, report);
  requireFields(found, ['server', 'username'], report);
  for (const [name, other] of [['ssl_cert', 'ssl_key'] as const, ['ssl_key', 'ssl_cert'] as const]) {
    if (found[name] !== undefined && found[other] === undefined) report(other, `is missing beside \`${name}\``);
  }
}

function buildPostgres(found: PostgresFound): PostgresInfo {
  const session = { options: found.options, sourceEncoding: found.source_encoding, ...sessionTimeouts(found) };
  if (found.connection_string !== undefined) return { ...session, connectionString: found.connection_string };
  return {
    ...session,
    connectionString: undefined,
    // `checkPostgres` has made sure of server and user.
    server: found.server ?? '',
    port: found.port ?? POSTGRES_PORT,
    database: found.database,
    username: found.username ?? '',
    password: found.password,
    ssl: found.ssl ?? 'prefer',
    sslCa: found.ssl_ca,
    sslCert: found.ssl_cert,
    sslKey: found.ssl_key,
  };
}

function sessionTimeouts(found: { readonly connect_timeout: number; readonly statement_timeout: number }) {
  const { connect_timeout: connectTimeoutMs, statement_timeout: statementTimeout } = found;
  return { connectTimeoutMs, statementTimeoutMs: statementTimeout === 0 ? undefined : statementTimeout };
}

/** `[tcp:]host[\instance][,port]`, as in SQL Server connection strings. */
const MSSQL_SERVER = /^(?:tcp:)?([^\\,]+)(?:\\([^\\,]+))?(?:,(\d{1,5}))?$/i;

const mssqlFields = {
  ...timeouts,
  server: text.refine((server) => MSSQL_SERVER.test(server), 'must be host, host\\instance or host,port').optional(),
  port: PORT.optional(),
  database: text.optional(),
  username: text.optional(),
  password: text.optional(),
  domain: text.optional(),
  encrypt: z
    .preprocess(
      (value) => (typeof value === 'boolean' ? String(value) : value),
      choice(['true', 'false', 'mandatory', 'optional', 'yes', 'no', 'strict']),
    )
    .optional(),
  trust_server_certificate: flag.optional(),
  connection_string: text.optional(),
};

type MssqlFound = z.output<z.ZodObject<typeof mssqlFields>>;

export const mssqlInfo = infoSchema(mssqlFields, { check: checkMssql, build: buildMssql });

export const mssqlFieldNames = Object.keys(mssqlFields);

function checkMssql(found: GivenFields, report: Report): void {
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
  const [, , instance, port] = MSSQL_SERVER.exec(String(found['server'])) ?? [];
  if (found['port'] !== undefined && port !== undefined) report('port', 'is given in `server` already');
  if (found['port'] !== undefined && instance !== undefined) {
    report('port', 'stands beside an instance in `server`, which has a port of its own; keep one of them');
  }
}

function buildMssql(found: MssqlFound): MssqlInfo {
  const session = sessionTimeouts(found);
  if (found.connection_string !== undefined) return { ...session, connectionString: found.connection_string };
  const [, server, instance, port] = MSSQL_SERVER.exec(found.server ?? '') ?? [];
  return {
    ...session,
    connectionString: undefined,
    // `checkMssql` has made sure of the server.
    server: server ?? '',
    instance,
    port: port !== undefined ? Number(port) : (found.port ?? (instance === undefined ? MSSQL_PORT : undefined)),
    database: found.database,
    username: found.username,
    password: found.password,
    domain: found.domain,
    encrypt: encryption(found.encrypt),
    trustServerCertificate: found.trust_server_certificate ?? false,
  };
}

function encryption(word: MssqlFound['encrypt']): boolean | 'strict' {
  if (word === 'strict') return 'strict';
  return word === undefined || word === 'true' || word === 'yes' || word === 'mandatory';
}

const sqliteFields = { filepath: path };

export const sqliteInfo = infoSchema(sqliteFields, {
  check: () => undefined,
  build: (found): SqliteInfo => ({ filepath: found.filepath }),
});

export const sqliteFieldNames = Object.keys(sqliteFields);
