import { type Dialect, MssqlAdapter, MssqlIntrospector, MssqlQueryCompiler, sql } from 'kysely';

import type { MssqlEntry } from '../info.js';
import type { ErrorCode } from '../../../errors.js';
import { errorNumber, mssqlError } from '../errors.js';
import { mssqlSettings, type MssqlSettings } from '../connection/settings.js';
import { displayAddress } from '../connection/address.js';
import type { LogDialect, Trouble } from '../../run-log-dialect.js';
import { SqlServerDriver } from './driver.js';

/** Longest wait for another session's lock; the writer retries later. */
const LOCK_TIMEOUT_MS = 10_000;

/** A run log in a SQL Server database. @throws LakeportError if the entry's settings are wrong */
export async function mssqlDialect(entry: MssqlEntry): Promise<LogDialect> {
  const settings = await mssqlSettings(entry.info, { entryId: entry.id, lockTimeoutMs: LOCK_TIMEOUT_MS });
  return {
    kysely: new SqlServer(settings),
    address: `${displayAddress(settings)}/${settings.database ?? ''}`,
    types: {
      id: sql`nvarchar(64)`,
      name: sql`nvarchar(256)`,
      text: sql`nvarchar(max)`,
      time: sql`datetime2(3)`,
      integer: sql`int`,
      bigint: sql`bigint`,
    },
    limitsByTop: true,
    now: sql`sysutcdatetime()`,
    secondsAgo: (seconds) => sql`dateadd(second, ${sql.lit(-seconds)}, sysutcdatetime())`,
    // Only the older type supports subtraction: `finished_at - started_at`.
    shownTime: (column) => sql`cast(${column} as datetime)`,
    secondsBetween: (from, to) => sql`datediff_big(millisecond, ${from}, ${to}) / cast(1000 as float)`,
    existing: (names) => sql`select names.name from (values ${sql.join(names.map((name) => sql`(${name})`))})
      as names (name) where object_id(names.name) is not null`,
    isCurrent: () => true,
    patience: {
      timeoutMs: settings.connectTimeoutMs,
      asSourceError: (thrown) => mssqlError(thrown, { entry: entry.id }),
    },
    explain: (thrown) => explain(thrown, entry.id),
  };
}

class SqlServer implements Dialect {
  readonly #settings: MssqlSettings;

  constructor(settings: MssqlSettings) {
    this.#settings = settings;
  }

  createAdapter() {
    return new SqlServerAdapter();
  }

  createDriver() {
    return new SqlServerDriver(this.#settings);
  }

  createIntrospector(...[db]: Parameters<Dialect['createIntrospector']>) {
    return new MssqlIntrospector(db);
  }

  createQueryCompiler() {
    return new MssqlQueryCompiler();
  }
}

/** Every user has the role `public`; the query builder's default role requires a database owner. */
class SqlServerAdapter extends MssqlAdapter {
  override async acquireMigrationLock(...[db]: Parameters<MssqlAdapter['acquireMigrationLock']>): Promise<void> {
    await lockProcedure('sp_getapplock', `, @LockMode = 'Exclusive', @LockTimeout = 60000`).execute(db);
  }

  override async releaseMigrationLock(...[db]: Parameters<MssqlAdapter['releaseMigrationLock']>): Promise<void> {
    await lockProcedure('sp_releaseapplock', '').execute(db);
  }
}

function lockProcedure(name: string, further: string) {
  const common = `@Resource = 'lakeport_migrations', @LockOwner = 'Session', @DbPrincipal = 'public'`;
  return sql`${sql.raw(`exec ${name} ${common}${further}`)}`;
}

/** By the server's error numbers (`sys.messages`). */
const TROUBLES: Readonly<Record<number, { readonly code: ErrorCode; readonly hint?: string }>> = {
  229: { code: 'RUN_LOG_PERMISSION_DENIED', hint: 'Make the user a db_datareader and db_datawriter of the database.' },
  262: { code: 'RUN_LOG_PERMISSION_DENIED', hint: 'Grant CREATE TABLE and CREATE VIEW in the log database.' },
  1105: { code: 'RUN_LOG_FULL', hint: 'Free some space in the log database.' },
  1222: { code: 'RUN_LOG_BUSY' },
  2760: { code: 'RUN_LOG_PERMISSION_DENIED', hint: 'Grant ALTER on the default schema of this user.' },
  3906: { code: 'RUN_LOG_NOT_WRITABLE', hint: 'The log needs a database that can be written to.' },
  9002: { code: 'RUN_LOG_FULL', hint: 'The transaction log of the log database is full.' },
};

function explain(thrown: unknown, entry: string): Trouble {
  const error = mssqlError(thrown, { entry });
  const isUnreachable = error.exit === 'unreachable';
  const number = errorNumber(thrown);
  return {
    code: isUnreachable ? 'RUN_LOG_UNREACHABLE' : 'RUN_LOG_FAILED',
    reason: error.message,
    // Hints about connections apply here; those about tables to export do not.
    hint: isUnreachable ? error.hint : undefined,
    detail: error.context.detail,
    ...(number !== undefined && TROUBLES[number]),
  };
}
