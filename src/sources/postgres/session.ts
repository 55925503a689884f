import type { Client } from 'pg';
import { LakeportError } from '../../errors.js';
import type { PostgresSettings } from './settings.js';

/**
 * The server settings of every session. Three layers, later ones win: defaults that a user may change, the user's own
 * `options`, and those that exactness and long runs depend on.
 */

/**
 * `row_security = off` makes the server refuse a table whose policies would hide rows, as for pg_dump, instead of
 * handing out a part of it as if it were all.
 * `synchronize_seqscans = off` keeps the order of rows from one run to the next.
 * `tcp_user_timeout = 0` (the system's own patience): a limit also counts the time in which a reader takes nothing, since
 * a slow store holds it back.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  row_security: 'off',
  synchronize_seqscans: 'off',
  enable_tidscan: 'on',
  tcp_user_timeout: '0',
};

/** How values are written as text, and that no time limit ends a session that holds the snapshot. */
const FIXED: Readonly<Record<string, string>> = {
  application_name: 'lakeport',
  bytea_output: 'hex',
  datestyle: 'ISO, YMD',
  extra_float_digits: '1',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  intervalstyle: 'iso_8601',
  quote_all_identifiers: 'off',
  timezone: 'UTC',
  transaction_timeout: '0',
};

/** Settings that older servers do not have. */
const RECENT = new Set(['idle_session_timeout', 'tcp_user_timeout', 'transaction_timeout']);

/**
 * A server with `SQL_ASCII` knows nothing of encodings and would refuse the whole read over one stray byte; there, the
 * bytes come as they are and are checked where they are decoded.
 */
const CLIENT_ENCODING = `pg_catalog.set_config('client_encoding',
  CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, false)`;

/** @throws the driver's errors, and a LakeportError where the server refuses one of the user's `options` */
export async function prepareSession(client: Client, settings: PostgresSettings): Promise<void> {
  const own = new Map(Object.entries(settings.options).map(([name, value]) => [name.toLowerCase(), value]));
  for (const name of [...Object.keys(FIXED), 'client_encoding']) own.delete(name);
  const defaults = Object.entries({
    ...DEFAULTS,
    lock_timeout: String(settings.lockTimeoutMs),
    statement_timeout: String(settings.statementTimeoutMs ?? 0),
  }).filter(([name]) => !own.has(name));

  await apply(client, [...defaults, ...Object.entries(FIXED)], [CLIENT_ENCODING]);
  if (own.size === 0) return;
  await apply(client, [...own]).catch((cause: unknown) => {
    throw refusedOption(cause, settings);
  });
}

/** Not as start-up parameters: poolers refuse those that they don't know. */
async function apply(client: Client, settings: [string, string][], further: string[] = []): Promise<void> {
  const calls = settings.map(([name], index) => {
    const parameters = `$${2 * index + 1}::pg_catalog.text, $${2 * index + 2}::pg_catalog.text`;
    const call = `pg_catalog.set_config(${parameters}, false)`;
    const known = `pg_catalog.current_setting($${2 * index + 1}::pg_catalog.text, true) IS NOT NULL`;
    return RECENT.has(name) ? `CASE WHEN ${known} THEN ${call} END` : call;
  });
  await client.query(`SELECT ${[...calls, ...further].join(', ')}`, settings.flat());
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
    hint: 'correct or remove it in the auth file',
    context: { entry: entryId, detail: `SQLSTATE ${state}` },
    cause,
  });
}
