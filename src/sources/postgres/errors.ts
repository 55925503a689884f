import type { DatabaseError } from 'pg';
import { LakeportError } from '../../errors.js';
import { type ConnectionAdvice, connectionErrorKind, connectionLost } from '../errors/connection-errors.js';
import { type ErrorKind, errorContext, type ErrorPlace } from '../errors/error-kind.js';
import { quoteTable } from './identifiers.js';

const LOST = connectionLost();

/** Poolers close connections with texts of their own, all under SQLSTATE `08P01`. */
const POOLERS: readonly (readonly [RegExp, ErrorKind])[] = [
  [
    /statement pooling mode/,
    {
      code: 'SOURCE_POOLER_MODE',
      message: 'The pooler is in statement mode, which allows no transactions',
      hint: 'Connect to the server directly, or through a pool with pool_mode = transaction or session: every read needs a transaction',
    },
  ],
  [
    /query_wait_timeout/,
    {
      code: 'SOURCE_TOO_MANY_CONNECTIONS',
      message: 'The pooler had no free server connection in time (query_wait_timeout)',
      hint: 'The pool must exceed the number of readers by two, for the planner and the row check: enlarge it, or lower --n-jobs and --parallel',
      transient: true,
    },
  ],
  [
    /idle.transaction.timeout/,
    {
      ...LOST,
      hint: 'Raise idle_transaction_timeout of the pooler, or set it to 0: a run holds its snapshot until it ends',
    },
  ],
];

/** A table whose rows do not exist on a standby. */
export const UNLOGGED = {
  code: 'TABLE_UNLOGGED',
  message: 'Unlogged tables cannot be read on a standby',
  hint: 'Read it from the primary, or leave it out with --exclude',
} as const satisfies ErrorKind;

const OUT_OF_MEMORY: ErrorKind = {
  code: 'SOURCE_OUT_OF_MEMORY',
  hint: 'The server is short of memory: lower --n-jobs and --parallel, or give it more',
};

const NOT_POPULATED: ErrorKind = {
  code: 'TABLE_NOT_POPULATED',
  hint: 'REFRESH the materialized view named in the message',
};

/** By SQLSTATE (appendix A of the manual), or else by its class, the first two characters. */
const SQLSTATES: Readonly<Record<string, ErrorKind>> = {
  '08': LOST,
  '22': {
    code: 'SOURCE_VALUE_ERROR',
    message: 'The server could not compute a value of the table',
    hint: "Read the table with psql to find the row; --log-level DEBUG shows the server's message",
  },
  '25P03': { ...LOST, hint: 'A time limit for idle transactions ended it: see idle_in_transaction_session_timeout' },
  '25P04': { ...LOST, hint: 'A time limit for transactions ended it: see transaction_timeout' },
  '28000': {
    code: 'SOURCE_ACCESS_DENIED',
    hint: 'Allow this user from this host in pg_hba.conf, or change "ssl", the user or the database of the entry',
  },
  '28P01': {
    code: 'SOURCE_PASSWORD_REJECTED',
    hint: 'Correct "username" and "password" of the entry',
  },
  '3D000': {
    code: 'SOURCE_DATABASE_UNKNOWN',
    hint: 'Correct "database" of the entry, or --source-db-name',
  },
  '3F000': { code: 'TABLE_NOT_FOUND' },
  '40001': {
    code: 'SOURCE_CONFLICT',
    hint: 'On a standby: raise max_standby_streaming_delay or turn on hot_standby_feedback, or read from the primary',
    transient: true,
  },
  '40P01': { code: 'SOURCE_DEADLOCK', transient: true },
  '42501': { code: 'TABLE_PERMISSION_DENIED' },
  '42P01': {
    code: 'TABLE_NOT_FOUND',
    hint: 'The object was dropped or renamed: run again, or correct the view or function that reads it',
  },
  '42703': {
    code: 'TABLE_CHANGED',
    hint: 'The columns have changed: run again, or correct the view or function that names the column',
  },
  '53200': {
    code: 'SOURCE_OUT_OF_MEMORY',
    hint: 'Raise max_locks_per_transaction of the server (needs a restart), or export fewer tables at a time',
  },
  '53300': {
    code: 'SOURCE_TOO_MANY_CONNECTIONS',
    hint: 'Lower --n-jobs and --parallel, or raise max_connections or the connection limit of the user or database',
    transient: true,
  },
  '55P03': {
    code: 'TABLE_LOCKED',
    message: 'Another session holds, or waits for, an exclusive lock',
    hint: 'End that session (see pg_locks and pg_stat_activity), or raise --lock-timeout',
    transient: true,
  },
  '57014': {
    code: 'SOURCE_STATEMENT_CANCELED',
    hint: 'Raise "statement_timeout" of the entry, if that ran out; otherwise another session canceled the read (pg_cancel_backend)',
  },
  '57P01': {
    ...LOST,
    code: 'SOURCE_SHUT_DOWN',
    hint: 'The server was stopped, or another session ended this one (pg_terminate_backend): see the server log',
  },
  '57P02': { ...LOST, code: 'SOURCE_SHUT_DOWN', hint: 'A server process crashed: see the server log' },
  '57P03': {
    code: 'SOURCE_STARTING',
    hint: 'Wait until the server accepts connections',
    transient: true,
  },
};

/**
 * Errors about another server, whose rows a foreign table shows. They have SQLSTATEs of this server or of the other one,
 * so only the server's routine distinguishes them from its own.
 */
function foreignKind({ code: state = '', routine = '' }: DatabaseError): ErrorKind | undefined {
  if (routine === 'GetUserMapping') {
    return {
      code: 'FOREIGN_SERVER_LOGIN_MISSING',
      hint: "CREATE USER MAPPING FOR the user that it names (behind a view, its owner) SERVER ... OPTIONS (user '...', password '...')",
    };
  }
  // Poolers use this class too, but report no routine.
  if (state.startsWith('08') && state !== '08P01' && routine !== '') {
    return {
      code: 'FOREIGN_SERVER_UNREACHABLE',
      hint: 'The database server cannot connect to the foreign server, or not log in: check the options of the server and of the user mapping (\\des+ and \\deu+ in psql)',
      transient: true,
    };
  }
  if (routine.startsWith('pgfdw_report')) {
    return {
      code: 'FOREIGN_SERVER_ERROR',
      hint: 'The error comes from the foreign server: check grants, tables and columns there, for the user in the user mapping (\\deu+ in psql)',
      transient: state === '40001' || state === '40P01' || state.startsWith('57P0'),
    };
  }
  if (!state.startsWith('HV')) return undefined;
  return {
    code: 'FOREIGN_SERVER_ERROR',
    hint: 'Check the options of the foreign table and of its server (\\d+ and \\des+ in psql)',
  };
}

const CONNECTION: ConnectionAdvice = {
  untrusted: 'Set "ssl_ca" to the CA that signed the server\'s certificate, or use "ssl": "require" to accept any',
  tls: 'Check "ssl", "ssl_cert" and "ssl_key" of the entry',
  hints: {
    ECONNREFUSED: 'Check "server" and "port" of the entry, that the server is running, and its listen_addresses',
  },
  // For Unix sockets.
  others: {
    ENOENT: {
      code: 'SOURCE_REFUSED',
      hint: 'Check "server" and "port" of the entry: no server listens in this directory',
      transient: true,
    },
    EACCES: {
      code: 'SOURCE_REFUSED',
      hint: 'Check "server" of the entry: this user may not use the socket in this directory',
    },
  },
};

/** The driver's own errors, which have neither code nor class. */
const DRIVER_LOST = new Set([
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
]);

/** Any error of the driver or the server as a `LakeportError`, classified by its code; a LakeportError is kept. */
export function postgresError(thrown: unknown, place: ErrorPlace = {}): LakeportError {
  const state = errorCode(thrown);
  const detail = state !== undefined && isServerError(thrown) ? `SQLSTATE ${state}` : state;
  const context = errorContext(place, detail);
  if (thrown instanceof LakeportError) return thrown.within(context);
  const kind = kindOf(thrown, state);
  if (!kind) return LakeportError.from(thrown).within(context);
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  const message = kind.message ?? (said === '' ? (state ?? 'Unknown error') : said);
  const { code, hint, transient } = kind.code === 'TABLE_PERMISSION_DENIED' ? denied(thrown, kind, place) : kind;
  return new LakeportError({ code, message, hint, transient, context, cause: thrown });
}

function kindOf(thrown: unknown, state: string | undefined): ErrorKind | undefined {
  if (state === undefined) {
    const lost = thrown instanceof Error && DRIVER_LOST.has(thrown.message);
    return lost ? { ...LOST, message: 'The connection to the server was lost' } : undefined;
  }
  if (isServerError(thrown)) {
    // The untranslated severity, in every language of the server.
    if (state === '0A000' && thrown.routine === 'get_relation_info') return UNLOGGED;
    const pooler = state === '08P01' ? POOLERS.find(([words]) => words.test(thrown.message)) : undefined;
    if (pooler !== undefined) return pooler[1];
    const known = foreignKind(thrown) ?? SQLSTATES[state] ?? SQLSTATES[state.slice(0, 2)];
    // The server only names a setting if it is the lock table that is full.
    if (state === '53200' && thrown.hint === undefined) return OUT_OF_MEMORY;
    // For a materialized view; other errors with this SQLSTATE do not concern a table.
    if (state === '55000' && thrown.routine === 'ExecOpenScanRelation') return NOT_POPULATED;
    return known ?? { code: 'SOURCE_QUERY_FAILED', ...(thrown.hint && { hint: thrown.hint }) };
  }
  return connectionErrorKind([state], CONNECTION);
}

/** Row security and missing grants share one SQLSTATE; the server's routine distinguishes them. */
function denied(thrown: unknown, kind: ErrorKind, { table }: ErrorPlace): ErrorKind {
  if (isServerError(thrown) && thrown.routine === 'check_enable_rls')
    return { ...kind, code: 'TABLE_ROW_SECURITY', hint: ROW_SECURITY_HINT };
  // Files of file_fdw, or raised by a function: no grant on the table would help.
  if (isServerError(thrown) && thrown.routine?.startsWith('aclcheck_error') !== true) {
    return {
      ...kind,
      hint: thrown.hint ?? 'Grant the privilege named in the message, or leave the table out with --exclude',
    };
  }
  const grant = table ? `GRANT SELECT ON ${quoteTable(table)} TO this user` : 'Grant SELECT to this user';
  return { ...kind, hint: `${grant} (and USAGE on its schema), or leave the table out with --exclude` };
}

export const ROW_SECURITY_HINT =
  'Read as a user with BYPASSRLS, or export only what the policies show with "options": {"row_security": "on"} in the entry';

function errorCode(thrown: unknown): string | undefined {
  if (thrown instanceof LakeportError || !(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** Server errors have a severity, socket and TLS errors do not. */
function isServerError(thrown: unknown): thrown is DatabaseError {
  return thrown instanceof Error && 'severity' in thrown;
}
