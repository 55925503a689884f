import pg from 'pg';
import { LakeportError } from '../../errors.js';
import type { PostgresSettings } from './settings.js';

/**
 * Everything that is read, asked or logged is in a transaction that sets what it depends on for itself, and only for
 * itself: behind a pooler each transaction may be in another session of the server, which other programs use between
 * ours. So nothing is set, locked or prepared beyond the end of a transaction, and nothing is taken over from others.
 *
 * The layers of settings, later ones win: what the user and the database have by default, our own defaults that a user
 * may change, the user's own `options`, and those that exactness and long runs depend on.
 */

/**
 * `row_security = off` makes the server refuse a table whose policies would hide rows, as for pg_dump, instead of
 * handing out a part of it as if it were all.
 * `synchronize_seqscans = off` keeps the order of rows from one run to the next.
 * `tcp_user_timeout = 0` (the system's own patience): a limit also counts the time in which a reader takes nothing, since
 * a slow store holds it back.
 * `tcp_keepalives_*`: a client that is gone without a word keeps its locks and its snapshot for two minutes, not for the
 * two hours that are most systems' default. The server applies them to the socket at once and takes them back with the
 * transaction's end; on a Unix socket they do nothing.
 * `client_connection_check_interval`: a server that computes, and so sends nothing, notices within ten seconds that its
 * client is gone, killed or cut off. A pooler's client counts too: when it goes in mid-query, the pooler closes the
 * server's connection.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  row_security: 'off',
  synchronize_seqscans: 'off',
  enable_tidscan: 'on',
  tcp_user_timeout: '0',
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '6',
  client_connection_check_interval: '10s',
};

/** How values are written as text, and that no time limit ends a transaction that holds the snapshot. */
const FIXED: Readonly<Record<string, string>> = {
  application_name: 'lakeport',
  bytea_output: 'hex',
  datestyle: 'ISO, YMD',
  extra_float_digits: '3',
  idle_in_transaction_session_timeout: '0',
  intervalstyle: 'iso_8601',
  quote_all_identifiers: 'off',
  standard_conforming_strings: 'on',
  timezone: 'UTC',
  transaction_timeout: '0',
};

/** Settings that not all servers have, and what is true (in SQL, of the present value) where they can be set. */
const NOT_EVERYWHERE: Readonly<Record<string, (present: string) => string>> = {
  tcp_user_timeout: isKnown,
  transaction_timeout: isKnown,
  // From PostgreSQL 14 on; an error on a system that does not tell of a connection's end. An interval of the server's stays.
  client_connection_check_interval: (present) => `${present} = '0' AND pg_catalog.version() LIKE '%linux%'`,
};

function isKnown(present: string): string {
  return `${present} IS NOT NULL`;
}

/**
 * A server with `SQL_ASCII` knows nothing of encodings and would refuse the whole read over one stray byte; there, the
 * bytes come as they are and are checked where they are decoded.
 */
const CLIENT_ENCODING = `pg_catalog.set_config('client_encoding',
  CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, true)`;

/** What others may have left in a session that a pooler shares: first of all what decides which names mean what. */
const FORGET_OTHERS = `
  SET LOCAL search_path = pg_catalog;
  SET LOCAL SESSION AUTHORIZATION DEFAULT;
  SET LOCAL role TO DEFAULT`;

/** The rest of it: settings that somebody has made in this session; of those that a transaction may change. */
const FORGET_SETTINGS = `
  SELECT pg_catalog.set_config(name, NULL, true) FROM pg_catalog.pg_settings
  WHERE source = 'session' AND setting IS DISTINCT FROM reset_val
    AND (context = 'user' OR (context = 'superuser' AND pg_catalog.current_setting('is_superuser') = 'on'))
    AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'temp_buffers')`;

/**
 * What a transaction is for. All levels are said in full: a server's, database's or user's default may be one that a
 * standby refuses.
 */
const MODES = {
  /** Sees one moment in all its statements. */
  snapshot: 'ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE',
  /** Each statement sees the moment at which it begins. */
  read: 'ISOLATION LEVEL READ COMMITTED, READ ONLY, NOT DEFERRABLE',
  write: 'ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE',
} as const;

export interface TransactionOptions {
  readonly mode: keyof typeof MODES;
  /** An exported snapshot, for the mode `snapshot`. */
  readonly snapshot?: string | undefined;
  /** In place of the user's. */
  readonly searchPath?: string | undefined;
}

/** All that the planner asks for is named in full; nothing that lies in the user's search_path may stand before it. */
export const CATALOG = { mode: 'snapshot', searchPath: 'pg_catalog' } as const satisfies TransactionOptions;

type Queryable = Pick<pg.Client, 'query'>;

/**
 * Begins a transaction with all its settings. Its statements need nothing that was set before.
 * @throws the driver's errors, and a LakeportError where the server refuses one of the user's `options`
 */
export async function begin(client: Queryable, settings: PostgresSettings, options: TransactionOptions): Promise<void> {
  const { mode, snapshot } = options;
  // An imported snapshot must come before the first query.
  const imported = snapshot === undefined ? [] : [`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(snapshot)}`];
  await client.query([`BEGIN ${MODES[mode]}`, ...imported, ...settingStatements(settings, options)].join(';\n'));
  await applyOwn(client, settings, options);
}

/**
 * Begins a transaction whose snapshot is not taken yet, for locks to come first: a query would fix it, which SET is not.
 * @param server what is known of it already
 */
export async function beginBeforeSnapshot(
  client: Queryable,
  settings: PostgresSettings,
  server: { readonly version: number; readonly encoding: string },
): Promise<void> {
  const { role } = ownSettings(settings);
  const needed = {
    ...(role !== undefined && { role }),
    standard_conforming_strings: 'on',
    client_encoding: server.encoding === 'SQL_ASCII' ? 'SQL_ASCII' : 'UTF8',
    statement_timeout: String(settings.statementTimeoutMs ?? 0),
    lock_timeout: String(settings.lockTimeoutMs),
    idle_in_transaction_session_timeout: '0',
    ...(server.version >= 170000 && { transaction_timeout: '0' }),
  };
  const statements = Object.entries(needed).map(([name, value]) => `SET LOCAL ${name} = ${pg.escapeLiteral(value)}`);
  await client.query([`BEGIN ${MODES.snapshot}`, FORGET_OTHERS, ...statements].join(';\n'));
}

/** All settings of a transaction that has begun without them. @throws as `begin` */
export async function applySettings(
  client: Queryable,
  settings: PostgresSettings,
  options: Pick<TransactionOptions, 'searchPath'>,
): Promise<void> {
  await client.query(settingStatements(settings, options).join(';\n'));
  await applyOwn(client, settings, options);
}

/** Does something in a transaction of its own. */
export async function inTransaction<T>(
  client: Queryable,
  settings: PostgresSettings,
  options: TransactionOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    await begin(client, settings, options);
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

function settingStatements(
  settings: PostgresSettings,
  { searchPath }: Pick<TransactionOptions, 'searchPath'>,
): string[] {
  const own = ownSettings(settings);
  const defaults = Object.entries({
    ...DEFAULTS,
    lock_timeout: String(settings.lockTimeoutMs),
    statement_timeout: String(settings.statementTimeoutMs ?? 0),
  }).filter(([name]) => !Object.hasOwn(own, name));
  const ours = [
    ...defaults,
    ...Object.entries(FIXED),
    ...(searchPath === undefined ? [] : [['search_path', searchPath] as const]),
  ];
  const calls = [...ours.map(([name, value]) => setWherePossible(name, value)), CLIENT_ENCODING];
  return [FORGET_OTHERS, FORGET_SETTINGS, `SELECT ${calls.join(', ')}`];
}

/** By themselves, so that what the server refuses is known to be the user's. */
async function applyOwn(
  client: Queryable,
  settings: PostgresSettings,
  { searchPath }: Pick<TransactionOptions, 'searchPath'>,
): Promise<void> {
  const own = Object.entries(ownSettings(settings)).filter(
    ([name]) => !(name === 'search_path' && searchPath !== undefined),
  );
  if (own.length === 0) return;
  try {
    await client.query(`SELECT ${own.map(([name, value]) => setConfig(name, value)).join(', ')}`);
  } catch (cause) {
    throw refusedOption(cause, settings);
  }
}

/** The user's `options`, as far as they are free. */
function ownSettings({ options }: PostgresSettings): Readonly<Record<string, string>> {
  const own = Object.entries(options).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(own.filter(([name]) => !Object.hasOwn(FIXED, name) && name !== 'client_encoding'));
}

/** Not as start-up parameters, of which poolers refuse those that they don't know. */
function setConfig(name: string, value: string): string {
  return `pg_catalog.set_config(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(value)}, true)`;
}

function setWherePossible(name: string, value: string): string {
  const call = setConfig(name, value);
  const canBeSet = NOT_EVERYWHERE[name];
  if (canBeSet === undefined) return call;
  return `CASE WHEN ${canBeSet(`pg_catalog.current_setting(${pg.escapeLiteral(name)}, true)`)} THEN ${call} END`;
}

function refusedOption(cause: unknown, { entryId }: PostgresSettings): unknown {
  // 42704 unknown, 22023 bad value, 55P02 not changeable now, 42501 not for this user, 22P02 and 42602 not readable.
  const refusals = new Set(['42704', '22023', '55P02', '42501', '22P02', '42602']);
  const state = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (!(cause instanceof Error) || !refusals.has(state)) return cause;
  return new LakeportError({
    code: 'SOURCE_OPTION_REFUSED',
    exit: 'usage',
    message: `the server refuses a setting of the entry's "options": ${cause.message}`,
    hint: 'Correct or remove it in the auth file',
    context: { entry: entryId, detail: `SQLSTATE ${state}` },
    cause,
  });
}
