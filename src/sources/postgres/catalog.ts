import type { Client } from 'pg';
import type { SourceTable, TableKind } from '../source.js';
import { decodeText, selectText } from './catalog-text.js';
import { detachPending, memberTables, storageJoins, type RelationKind } from './members.js';
import type { ServerFacts } from './server.js';

/** Lists what can be exported, in one query however many tables there are. */

const KINDS: Readonly<Record<RelationKind, TableKind>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
};

interface ListedRow {
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  readonly rows: number | null;
  readonly bytes: number | null;
}

export interface ListedTable extends SourceTable {
  /** False where parts of its name are no characters: nobody can ask for it. */
  readonly hasReadableName: boolean;
}

/** SQLSTATE of a lock that was not to be had in time. */
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * User tables by schema and name: not those of the system, temporary ones, or an extension's own. Partitions stand
 * under their parent; a table that others inherit from, and each of those, is a table of its own, with the rows that
 * `SELECT * FROM` it shows. Sizes include all members.
 */
export async function listTables(
  client: Client,
  server: ServerFacts,
  options: { readonly views: boolean },
): Promise<ListedTable[]> {
  await client.query('SAVEPOINT sizes');
  const rows = await list(client, server, { ...options, onDisk: true }).catch(async (error: unknown) => {
    const locked = error instanceof Error && 'code' in error && error.code === LOCK_NOT_AVAILABLE;
    if (!locked) throw error;
    await client.query('ROLLBACK TO SAVEPOINT sizes');
    return list(client, server, { ...options, onDisk: false });
  });
  return rows.map(({ kind, rows, bytes, ...names }) => {
    const schema = decodeText(names.schema, server);
    const name = decodeText(names.name, server);
    return {
      id: { schema: schema.text, name: name.text },
      kind: KINDS[kind],
      estimatedRows: rows ?? undefined,
      estimatedBytes: bytes ?? undefined,
      hasReadableName: schema.isWhole && name.isWhole,
    };
  });
}

async function list(
  client: Client,
  server: ServerFacts,
  { views, onDisk }: { readonly views: boolean; readonly onDisk: boolean },
): Promise<ListedRow[]> {
  const kinds = views ? `'r', 'p', 'f', 'v', 'm'` : `'r', 'p', 'f'`;
  // Whoever rewrites a table holds ACCESS EXCLUSIVE on it, and everybody else queues behind who waits for that.
  const exclusive = `
    SELECT relation FROM pg_catalog.pg_locks
    WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock' AND relation IS NOT NULL`;
  const { rows } = await client.query<ListedRow>(`
    WITH RECURSIVE listed AS (
      SELECT c.oid, n.nspname, c.relname, c.relkind
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN (${kinds})
        AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        AND (NOT c.relispartition OR EXISTS (
          SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid AND ${detachPending(server)}))
        AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS d
          WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')
    ), ${memberTables('SELECT oid FROM listed', server)},
    exclusive AS MATERIALIZED (${exclusive}),
    total AS (
      SELECT member.root, pg_catalog.sum(estimate.rows) AS rows, pg_catalog.sum(storage.bytes) AS bytes
      FROM member
      JOIN pg_catalog.pg_class AS c ON c.oid = member.oid
      ${storageJoins(server, (oid) => (onDisk ? `${oid} NOT IN (SELECT relation FROM exclusive)` : 'false'))}
      GROUP BY member.root
    )
    SELECT ${selectText('nspname', server)} AS schema, ${selectText('relname', server)} AS name,
           relkind::pg_catalog.text AS kind,
           pg_catalog.round(total.rows)::pg_catalog.float8 AS rows, total.bytes::pg_catalog.float8 AS bytes
    FROM listed JOIN total ON total.root = listed.oid
    ORDER BY nspname, relname`);
  return rows;
}
