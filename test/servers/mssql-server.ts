import { randomBytes } from 'node:crypto';
import type { MssqlClient, QueryValue } from '../../src/sources/mssql/connection/client.js';
import { connectMssql } from '../../src/sources/mssql/connection/connection.js';
import type { MssqlSettings } from '../../src/sources/mssql/connection/settings.js';
import { openMssqlSource } from '../../src/sources/mssql/source.js';
import type { Source } from '../../src/sources/source.js';
import { parseDeclaredType, type WireValue } from './tds/types/wire-type.js';
import { saySkipped } from '../harness/skipped.js';

/**
 * A real SQL Server, where `LAKEPORT_TEST_MSSQL_URL` (`mssql://user:password@host:port`) names one that tests may make
 * databases on. `docker compose up -d mssql` starts Microsoft's own.
 */

const URL_VARIABLE = 'LAKEPORT_TEST_MSSQL_URL';

/** Where tests may find a server; undefined where nobody says, which is printed once a file. */
export const mssqlUrl = process.env[URL_VARIABLE];
if (mssqlUrl === undefined) saySkipped('a real SQL Server', `its address in ${URL_VARIABLE}`);

/** A database of a test's own. */
export interface MssqlDatabase extends AsyncDisposable {
  readonly name: string;
  readonly settings: MssqlSettings;
  /** The auth file's `info`. */
  readonly info: Readonly<Record<string, unknown>>;
  /** Runs statements as an administrator; the rows of all of them. */
  query(sql: string): Promise<QueryValue[][]>;
  openSource(overrides?: Partial<MssqlSettings>): Promise<Source>;
  connect(): Promise<MssqlClient>;
}

export async function createMssqlDatabase(options: { readonly collation?: string } = {}): Promise<MssqlDatabase> {
  const name = `lakeport_test_${randomBytes(4).toString('hex')}`;
  const master = await connectMssql(settingsOf('master'), { isolation: 'read committed' });
  const collate = options.collation === undefined ? '' : ` COLLATE ${options.collation}`;
  await master.query(`CREATE DATABASE ${name}${collate}`);
  const settings = settingsOf(name);
  const connect = () => connectMssql(settings, { isolation: 'read committed' });
  const client = await connect();
  const { hostname, port, user, password } = urlParts();
  return {
    name,
    settings,
    info: {
      server: hostname,
      port,
      database: name,
      username: user,
      password,
      encrypt: true,
      trust_server_certificate: true,
    },
    query: (sql) => client.query(sql),
    openSource: (overrides = {}) => openMssqlSource({ ...settings, ...overrides }, {}),
    connect,
    async [Symbol.asyncDispose]() {
      client.close();
      await master.query(`ALTER DATABASE ${name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE; DROP DATABASE ${name}`);
      master.close();
    },
  };
}

function urlParts() {
  const url = new URL(mssqlUrl ?? '');
  return {
    hostname: url.hostname,
    port: Number(url.port || 1433),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  };
}

function settingsOf(database: string): MssqlSettings {
  const { hostname, port, user, password } = urlParts();
  return {
    entryId: 'test',
    server: hostname,
    instance: undefined,
    port,
    database,
    authentication: { type: 'default', options: { userName: user, password } },
    encrypt: true,
    trustServerCertificate: true,
    authorities: [],
    readOnlyIntent: false,
    multiSubnetFailover: false,
    connectTimeoutMs: 15_000,
    statementTimeoutMs: undefined,
    lockTimeoutMs: 2000,
  };
}

/** A value as a literal of its type. */
export function mssqlLiteral(type: string, value: WireValue): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `CAST(0x${Buffer.from(value).toString('hex')} AS ${type})`;
  const { name } = parseDeclaredType(type);
  // Any characters, whatever the parser makes of them.
  if (/^n(var)?char$/.test(name)) {
    return `CAST(CAST(0x${Buffer.from(String(value), 'utf16le').toString('hex')} AS varbinary(max)) AS ${type})`;
  }
  if (['float', 'real', 'bit'].includes(name)) return `CAST(${Number(value).toExponential()} AS ${type})`;
  if (/int|decimal|numeric|money/.test(name)) return `CAST(${String(value)} AS ${type})`;
  return `CAST(N'${String(value).replaceAll("'", "''")}' AS ${type})`;
}
