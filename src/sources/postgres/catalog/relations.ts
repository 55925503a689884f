import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import { type TableId, tableName } from '../../../model/table.js';
import { ROW_SECURITY_HINT, UNLOGGED } from '../errors.js';
import { quoteName, quoteTable } from '../identifiers.js';
import { memberTables, type RelationKind } from './leaf-relations.js';
import type { ServerFacts } from '../connection/server-facts.js';
import { viewObstacles } from './view-access.js';

/** The catalog's facts about a relation that was looked up by name. */
export interface Relation {
  readonly oid: number;
  readonly kind: RelationKind;
  /** Other relations' rows belong to it: it is partitioned, or has children. */
  readonly hasMembers: boolean;
  /** Policies restrict which rows this user sees. */
  readonly rowSecurity: boolean;
}

interface FoundRow extends Omit<Relation, 'oid'> {
  readonly oid: number | null;
  readonly usage: boolean | null;
  readonly unlogged: boolean;
  readonly populated: boolean | null;
}

/** The relations with these names, or the reason why each cannot be read; in the order of `ids`. */
export async function findRelations(
  client: Client,
  server: ServerFacts,
  ids: readonly TableId[],
): Promise<(Relation | LakeportError)[]> {
  const { rows } = await client.query<FoundRow>(
    `WITH RECURSIVE wanted AS (
       SELECT w.position, c.oid, c.relkind, c.relispopulated, n.oid AS schema
       FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.name[]), pg_catalog.unnest($2::pg_catalog.name[]))
         WITH ORDINALITY AS w (schema, name, position)
       LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
       LEFT JOIN pg_catalog.pg_class AS c
         ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     ), ${memberTables('SELECT oid FROM wanted WHERE oid IS NOT NULL', server)}
     SELECT oid, relkind::pg_catalog.text AS kind,
            oid IN (SELECT root FROM member WHERE root <> member.oid) AS "hasMembers",
            pg_catalog.row_security_active(oid) AS "rowSecurity",
            pg_catalog.has_schema_privilege(schema, 'USAGE') AS usage, relispopulated AS populated,
            oid IN (SELECT member.root FROM member JOIN pg_catalog.pg_class AS c ON c.oid = member.oid
                    WHERE c.relpersistence = 'u') AS unlogged
     FROM wanted ORDER BY position`,
    [ids.map(({ schema }) => schema), ids.map(({ name }) => name)],
  );
  const views = rows.flatMap(({ oid, kind }) => (oid !== null && kind === 'v' ? [oid] : []));
  const obstacles = await viewObstacles(client, server, views);
  return ids.map((id, index) => {
    const row = rows[index];
    if (row === undefined || row.oid === null) return tableNotFound(id);
    if (row.usage !== true)
      return denied(id, 'Permission denied for its schema', `USAGE ON SCHEMA ${quoteName(id.schema)}`);
    if (row.populated !== true) return notPopulated(id);
    if (row.rowSecurity && !server.rowSecurity) return rowsHidden(id);
    if (row.unlogged && server.isStandby) return unloggedOnStandby(id);
    const obstacle = obstacles.get(row.oid);
    if (obstacle !== undefined) return obstacle.within({ table: tableName(id) });
    const { oid, kind, hasMembers, rowSecurity } = row;
    return { oid, kind, hasMembers, rowSecurity };
  });
}

/** Some of the table's columns are denied to this user. */
export function columnsDenied(id: TableId, columns: readonly string[]): LakeportError {
  const which = `${columns.length === 1 ? 'column' : 'columns'} ${columns.join(', ')}`;
  return denied(
    id,
    `Permission denied for ${which}`,
    `SELECT (${columns.map(quoteName).join(', ')}) ON ${quoteTable(id)}`,
    `leave ${columns.length === 1 ? 'it' : 'them'} out with --skip-unreadable-columns or --exclude-columns`,
  );
}

/** The whole table is denied to this user. */
export function tableDenied(id: TableId): LakeportError {
  return denied(id, 'Permission denied for the table', `SELECT ON ${quoteTable(id)}`);
}

function denied(
  id: TableId,
  message: string,
  grant: string,
  otherwise = 'leave the table out with --exclude',
): LakeportError {
  return new LakeportError({
    code: 'TABLE_PERMISSION_DENIED',
    message,
    hint: `GRANT ${grant} TO this user, or ${otherwise}`,
    context: { table: tableName(id) },
  });
}

function tableNotFound(id: TableId): LakeportError {
  return new LakeportError({
    code: 'TABLE_NOT_FOUND',
    message: 'The table does not exist',
    hint: 'It was dropped or renamed in the meantime: run again',
    context: { table: tableName(id) },
  });
}

function notPopulated(id: TableId): LakeportError {
  return new LakeportError({
    code: 'TABLE_NOT_POPULATED',
    message: 'The materialized view has not been populated, so there is nothing to read',
    hint: `REFRESH MATERIALIZED VIEW ${quoteTable(id)}`,
    context: { table: tableName(id) },
  });
}

function rowsHidden(id: TableId): LakeportError {
  return new LakeportError({
    code: 'TABLE_ROW_SECURITY',
    message: 'Row security policies would hide rows of the table from this user',
    hint: ROW_SECURITY_HINT,
    context: { table: tableName(id) },
  });
}

function unloggedOnStandby(id: TableId): LakeportError {
  return new LakeportError({ ...UNLOGGED, context: { table: tableName(id) } });
}
