import pg from 'pg';
import { LakeportError } from '../../../errors.js';
import { explainByServer, isOtherServer, requireIdentity, SERVER_IDENTITY } from './server-identity.js';
import type { PostgresSettings } from './settings.js';

/**
 * Everything is read, queried or logged in a transaction that sets for itself, and only for itself, what it depends on:
 * behind a pooler each transaction may run in a different server session, which other programs use in between. So nothing
 * is set, locked or prepared beyond the end of a transaction, and nothing is inherited from other clients.
 *
 * Settings come in layers, later ones win: the defaults of user and database, our own defaults that a user may change, the
 * user's own `options`, and the settings that exactness and long runs depend on.
 */

/**
 * `row_security = off` makes the server reject a table whose policies would hide rows, as for pg_dump, instead of returning
 * a part of it as if it were all.
 * `synchronize_seqscans = off` keeps the order of rows from one run to the next.
 * `tcp_user_timeout = 0` (the system's default): a limit would also count the time in which a reader receives nothing
 * because a slow store holds it back.
 * `tcp_keepalives_*`: a client that vanishes keeps its locks and its snapshot for two minutes instead of the two hours that
 * most systems default to. The server applies them to the socket at once and restores the old values at the end of the
 * transaction; on a Unix socket they do nothing.
 * `client_connection_check_interval`: a server that computes, and so sends nothing, notices within ten seconds that its
 * client was killed or cut off. A pooler's client counts too: when it disappears in the middle of a query, the pooler
 * closes the server connection.
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

/** How values are written as text, and no time limit for a transaction that holds the snapshot. */
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

/** For the planner's own queries, which the server would compile for seconds before it runs them for less than one. */
const CATALOG_SETTINGS: Readonly<Record<string, string>> = { jit: 'off' };

/** Settings that some servers lack, with an SQL condition on the current value that tells whether they can be set. */
const NOT_EVERYWHERE: Readonly<Record<string, (present: string) => string>> = {
  jit: isKnown,
  tcp_user_timeout: isKnown,
  transaction_timeout: isKnown,
  // From PostgreSQL 14 on; an error on systems that cannot report a closed connection. An interval set on the server is kept.
  client_connection_check_interval: (present) => `${present} = '0' AND pg_catalog.version() LIKE '%linux%'`,
};

function isKnown(present: string): string {
  return `${present} IS NOT NULL`;
}

/**
 * A server with `SQL_ASCII` has no encoding, and with UTF-8 requested would fail the whole read over one invalid byte; so
 * the bytes are fetched unchanged and checked when decoded.
 */
const CLIENT_ENCODING = `pg_catalog.set_config('client_encoding',
  CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, true)`;

/** Undoes what other clients may have left in a pooled session; first whatever affects name resolution. */
const FORGET_OTHERS = `
  SET LOCAL search_path = pg_catalog;
  SET LOCAL SESSION AUTHORIZATION DEFAULT;
  SET LOCAL role TO DEFAULT`;

/** Undoes the rest: settings changed in this session, as far as a transaction may change them. */
const FORGET_SETTINGS = `
  SELECT pg_catalog.set_config(name, NULL, true) FROM pg_catalog.pg_settings
  WHERE source = 'session' AND setting IS DISTINCT FROM reset_val
    AND (context = 'user' OR (context = 'superuser' AND pg_catalog.current_setting('is_superuser') = 'on'))
    AND name NOT IN ('transaction_isolation', 'transaction_read_only', 'transaction_deferrable', 'temp_buffers')`;

/**
 * What a transaction is for. Each level is spelled out: the default of a server, database or user may be one that a
 * standby rejects.
 */
const MODES = {
  /** All statements see the same snapshot. */
  snapshot: 'ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE',
  /** Each statement sees a snapshot from its own start. */
  read: 'ISOLATION LEVEL READ COMMITTED, READ ONLY, NOT DEFERRABLE',
  write: 'ISOLATION LEVEL READ COMMITTED, READ WRITE, NOT DEFERRABLE',
} as const;

export interface TransactionOptions {
  readonly mode: keyof typeof MODES;
  /** An exported snapshot, for mode `snapshot`. */
  readonly snapshot?: string | undefined;
  /** The server that holds the snapshot, by its identity. A snapshot of the same name may be another one elsewhere. */
  readonly server?: string | undefined;
  /** Replaces the user's search_path, for queries of the catalog. */
  readonly searchPath?: string | undefined;
}

/** The planner's queries qualify every name; nothing in the user's search_path may shadow it. */
export const CATALOG = { mode: 'snapshot', searchPath: 'pg_catalog' } as const satisfies TransactionOptions;

type Queryable = Pick<pg.Client, 'query'>;

/**
 * Begins a transaction with all its settings. Its statements depend on nothing that was set before.
 * @throws the driver's errors, and a LakeportError if the server rejects one of the user's `options`
 */
export async function begin(client: Queryable, settings: PostgresSettings, options: TransactionOptions): Promise<void> {
  const { mode, snapshot, server } = options;
  // An imported snapshot must come before the first query.
  const imported = snapshot === undefined ? [] : [`SET TRANSACTION SNAPSHOT ${pg.escapeLiteral(snapshot)}`];
  const asked = server === undefined ? [] : [`SELECT ${SERVER_IDENTITY} AS "server"`];
  const statements = [`BEGIN ${MODES[mode]}`, ...imported, ...settingStatements(settings, options), ...asked];
  const begun = client.query(statements.join(';\n'));
  if (server === undefined) await begun;
  else await requireServer(client, begun, { server, settings });
  await applyOwn(client, settings, options);
}

/** @param begun the answers, of which the last one names the server. @throws LakeportError if it is another one */
async function requireServer(
  client: Queryable,
  begun: Promise<pg.QueryResult>,
  { server, settings }: { readonly server: string; readonly settings: PostgresSettings },
): Promise<void> {
  try {
    // One answer for each statement, which the driver's types do not say.
    const answers = (await begun) as unknown as readonly pg.QueryResult<{ server: string }>[];
    requireIdentity(answers.at(-1)?.rows[0]?.server, server, settings);
  } catch (error) {
    // Where nobody knows the snapshot.
    if (!isOtherServer(error)) await explainByServer(client, server, settings);
    throw error;
  }
}

/**
 * Begins a transaction without taking its snapshot, so that locks can come first: a query would take it, SET does not.
 * @param server facts that are already known
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

/** Applies all settings to a transaction that has begun without them. @throws as `begin` */
export async function applySettings(
  client: Queryable,
  settings: PostgresSettings,
  options: Pick<TransactionOptions, 'searchPath'>,
): Promise<void> {
  await client.query(settingStatements(settings, options).join(';\n'));
  await applyOwn(client, settings, options);
}

/** Runs an action in its own transaction. */
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

/** By the settings, and the search path: the log has a transaction for each of its statements. */
const KNOWN_STATEMENTS = new WeakMap<PostgresSettings, Map<string | undefined, readonly string[]>>();

function settingStatements(
  settings: PostgresSettings,
  { searchPath }: Pick<TransactionOptions, 'searchPath'>,
): readonly string[] {
  const ofSettings = KNOWN_STATEMENTS.get(settings) ?? new Map<string | undefined, readonly string[]>();
  KNOWN_STATEMENTS.set(settings, ofSettings);
  const known = ofSettings.get(searchPath) ?? composeStatements(settings, { searchPath });
  ofSettings.set(searchPath, known);
  return known;
}

function composeStatements(
  settings: PostgresSettings,
  { searchPath }: Pick<TransactionOptions, 'searchPath'>,
): readonly string[] {
  const own = ownSettings(settings);
  const defaults = Object.entries({
    ...DEFAULTS,
    lock_timeout: String(settings.lockTimeoutMs),
    statement_timeout: String(settings.statementTimeoutMs ?? 0),
  }).filter(([name]) => !Object.hasOwn(own, name));
  const catalog: Readonly<Record<string, string>> =
    searchPath === undefined ? {} : { ...CATALOG_SETTINGS, search_path: searchPath };
  const ours = [...defaults, ...Object.entries(FIXED), ...Object.entries(catalog)];
  const calls = [...ours.map(([name, value]) => setWherePossible(name, value)), CLIENT_ENCODING];
  return [FORGET_OTHERS, FORGET_SETTINGS, `SELECT ${calls.join(', ')}`];
}

/** Applied separately, so that a rejection is known to concern the user's options. */
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

/** The user's `options` that are not overridden. */
function ownSettings({ options }: PostgresSettings): Readonly<Record<string, string>> {
  const own = Object.entries(options).map(([name, value]) => [name.toLowerCase(), value] as const);
  return Object.fromEntries(own.filter(([name]) => !Object.hasOwn(FIXED, name) && name !== 'client_encoding'));
}

/** Not as start-up parameters: poolers reject those that they do not know. */
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
  // 42704 unknown, 22023 invalid value, 55P02 cannot be changed now, 42501 not permitted, 22P02 and 42602 malformed.
  const refusals = new Set(['42704', '22023', '55P02', '42501', '22P02', '42602']);
  const state = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (!(cause instanceof Error) || !refusals.has(state)) return cause;
  return new LakeportError({
    code: 'SOURCE_OPTION_REFUSED',
    message: `The server rejects a setting in the entry's "options": ${cause.message}`,
    hint: 'Correct or remove it in the auth file',
    context: { entry: entryId, detail: `SQLSTATE ${state}` },
    cause,
  });
}
