import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import type { SourceTable } from '../../source.js';
import { readText, selectText } from '../catalog/catalog-text.js';
import type { LockFailures } from './locks.js';
import { memberTables } from '../catalog/leaf-relations.js';
import type { ServerFacts } from '../connection/server-facts.js';

interface HolderRow {
  readonly pid: number | null;
  readonly granted: boolean;
  readonly user: string | null;
  readonly application: string | null;
  readonly state: string | null;
  readonly minutes: number | null;
}

/** Adds the lock's holder to the error of each locked table, as far as this user may know. */
export async function nameHolders(client: Client, server: ServerFacts, failures: LockFailures): Promise<void> {
  for (const [table, error] of failures) {
    if (error.code !== 'TABLE_LOCKED') continue;
    const holder = await findHolder(client, server, table);
    if (!holder) continue;
    failures.set(
      table,
      new LakeportError({ ...error.toData(), message: `${describe(holder)} an exclusive lock`, cause: error.cause }),
    );
  }
}

/** Only ACCESS EXCLUSIVE conflicts with ACCESS SHARE: finds its holder, or else the first that waits for it. */
async function findHolder(client: Client, server: ServerFacts, { id }: SourceTable): Promise<HolderRow | undefined> {
  const root = `
    SELECT c.oid FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1::pg_catalog.name AND c.relname = $2::pg_catalog.name`;
  const { rows } = await client.query<HolderRow>(
    `WITH RECURSIVE ${memberTables(root, server)}
     SELECT l.pid, l.granted, ${selectText('a.usename', server)} AS user,
            ${selectText('a.application_name', server)} AS application, a.state,
            (EXTRACT(epoch FROM pg_catalog.clock_timestamp() - a.xact_start) / 60)::pg_catalog.float8 AS minutes
     FROM member
     JOIN pg_catalog.pg_locks AS l ON l.relation = member.oid AND l.mode = 'AccessExclusiveLock'
     JOIN pg_catalog.pg_database AS d ON d.oid = l.database AND d.datname = pg_catalog.current_database()
     LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
     ORDER BY l.granted DESC, a.xact_start
     LIMIT 1`,
    [id.schema, id.name],
  );
  const [row] = rows;
  const read = (text: string | null) => (text === null ? null : readText(text, server));
  return row && { ...row, user: read(row.user), application: read(row.application) };
}

/** Without the session's current statement, which may contain values. */
function describe({ pid, granted, user, application, state, minutes }: HolderRow): string {
  const verb = granted ? 'holds' : 'waits for';
  if (pid === null) return `A prepared transaction (see pg_prepared_xacts) ${verb}`;
  const facts = [
    user === null ? undefined : `user ${user}`,
    application ? `application ${application}` : undefined,
    state ?? undefined,
    minutes === null ? undefined : `for ${minutes < 1 ? 'less than a minute' : `${Math.round(minutes)} min`}`,
  ].filter((fact) => fact !== undefined);
  return `process ${pid}${facts.length > 0 ? ` (${facts.join(', ')})` : ''} ${verb}`;
}
