import { sql } from 'kysely';

import type { PostgresEntry } from '../info.js';
import { type ErrorCode, LakeportError } from '../../../errors.js';
import { postgresError } from '../errors.js';
import { displayAddress, postgresSettings } from '../connection/settings.js';
import type { LogDialect, Trouble } from '../../run-log-dialect.js';
import { PostgresQueueDatabase } from './queue-database.js';
import { PooledPostgresDialect } from './transactions.js';

/** Longest wait for another session's lock; the writer retries later. */
const LOCK_TIMEOUT_MS = 10_000;

/** A run log in a PostgreSQL database. @throws LakeportError if the entry's settings are wrong */
export async function postgresDialect(entry: PostgresEntry): Promise<LogDialect> {
  const settings = await postgresSettings(entry.info, { entryId: entry.id, lockTimeoutMs: LOCK_TIMEOUT_MS });
  const searchPath = settings.options['search_path'];
  return {
    kysely: new PooledPostgresDialect(settings),
    // One database may have two logs in different schemas.
    ownSchema: '"options": {"search_path": "..."}',
    address: `${displayAddress(settings)}/${settings.database}${searchPath === undefined ? '' : ` (${searchPath})`}`,
    types: {
      id: sql`varchar(64)`,
      name: sql`text`,
      text: sql`text`,
      time: sql`timestamptz(3)`,
      integer: sql`integer`,
      bigint: sql`bigint`,
    },
    limitsByTop: false,
    now: sql`clock_timestamp()`,
    secondsAgo: (seconds) => sql`clock_timestamp() - make_interval(secs => ${sql.lit(seconds)})`,
    shownTime: (column) => sql`${column}`,
    secondsBetween: (from, to) => sql`round(extract(epoch from ${to} - ${from})::numeric, 3)::double precision`,
    existing: (names) => sql`select name from unnest(array[${sql.join(names)}]::text[]) as name
      where to_regclass(quote_ident(name)) is not null`,
    isCurrent: () => true,
    patience: {
      timeoutMs: settings.connectTimeoutMs,
      asSourceError: (thrown) => postgresError(thrown, { entry: entry.id }),
    },
    openQueue: () => new PostgresQueueDatabase(settings),
    explain: (thrown) => explain(thrown, entry.id),
  };
}

function explain(thrown: unknown, entry: string): Trouble {
  const error = postgresError(thrown, { entry });
  const { message, context } = error;
  const state = /^SQLSTATE (\w+)$/.exec(context.detail ?? '')?.[1];
  const known = state === undefined ? undefined : (TROUBLES[state] ?? TROUBLES[state.slice(0, 2)]);
  const code =
    thrown instanceof LakeportError || error.exit === 'unreachable' ? 'RUN_LOG_UNREACHABLE' : 'RUN_LOG_FAILED';
  return { code, reason: message, hint: ownHint(error), detail: context.detail, ...known };
}

/** Hints about connections apply here; those about tables to export do not. */
function ownHint(error: LakeportError): string | undefined {
  return error.exit === 'unreachable' ? error.hint : undefined;
}

/** By SQLSTATE, or its class. */
const TROUBLES: Readonly<Record<string, { readonly code: ErrorCode; readonly hint?: string }>> = {
  '53100': { code: 'RUN_LOG_FULL', hint: 'Free some space on the disk of the log database.' },
  '55P03': { code: 'RUN_LOG_BUSY' },
  '42501': {
    code: 'RUN_LOG_PERMISSION_DENIED',
    hint: 'Grant CREATE on the schema to this user, or set another schema with "options": {"search_path": "..."} of the entry.',
  },
  '3F000': {
    code: 'RUN_LOG_PERMISSION_DENIED',
    hint: 'Create the schema that "search_path" of the entry names, or grant USAGE on it.',
  },
  '25006': { code: 'RUN_LOG_NOT_WRITABLE', hint: 'The log needs a server that can be written to, not a standby.' },
};
