import type pg from 'pg';
import { LakeportError } from '../../../errors.js';
import type { TableId } from '../../../model/table.js';
import type { KeyedTable, SqlDialect } from '../../partitioning/sql-dialect.js';
import { fromClause, type RowSet } from '../../row-set.js';
import type { ReadColumn } from '../../source.js';
import { POSTGRES_ROWS } from '../rows/rows.js';
import type { ServerFacts } from '../connection/server-facts.js';
import { keyTypeOf } from './key-type.js';

/** Every function and operator is named with its schema: the user's search_path applies, for the sake of expressions. */
export const POSTGRES_SQL: SqlDialect = {
  ...POSTGRES_ROWS,
  identifier: /^(?:[\p{L}_][\p{L}\p{N}_$]*|"(?:[^"]|"")+")$/u,
  unquoted: (text) => /^"(.*)"$/s.exec(text)?.[1]?.replaceAll('""', '"'),
  count: 'pg_catalog.count(*)',
  toNumber: (count) => `CAST(${count} AS pg_catalog.float8)`,
  dayText: (day) => `CAST(${day} AS pg_catalog.text)`,
  // abs() of the smallest integer overflows; abs() of the remainder does not.
  remainder: (key, divisor) => `pg_catalog.abs(${key} OPERATOR(pg_catalog.%) ${divisor})`,
  operator: (symbol) => `OPERATOR(pg_catalog.${symbol})`,
  tile: (key, count) => `pg_catalog.ntile(${count}) OVER (ORDER BY ${key} NULLS FIRST)`,
  limit: (rows) => ({ before: '', after: ` LIMIT ${rows}` }),
};

export interface KeyedTableOptions {
  readonly id: TableId;
  /** Oid of the relation; undefined for a query. */
  readonly oid: number | undefined;
  readonly rows: RowSet;
  readonly columns: readonly ReadColumn[];
  readonly server: ServerFacts;
}

/** The table as the partition methods query it. */
export function keyedTable(client: pg.Client, { id, oid, rows, columns, server }: KeyedTableOptions): KeyedTable {
  return {
    id,
    rows,
    columns,
    dialect: POSTGRES_SQL,
    query: async (sql) => (await queryOne(client, rows.prefix + sql)).rows,
    keyTypeOf: async (key, column) => {
      const { fields } = await describe(client, `${rows.prefix}SELECT ${key} AS k ${fromClause(rows)} LIMIT 0`, key);
      const [field] = fields;
      if (field === undefined) return undefined;
      const { dataTypeID: type, dataTypeModifier: modifier } = field;
      const isDeterministic =
        oid !== undefined && column !== undefined && (await isDeterministicIn(client, oid, column));
      return keyTypeOf({ type, modifier, isDeterministic, isUnencoded: server.encoding === 'SQL_ASCII' });
    },
  };
}

/** A statement that the server refuses if it is several: a key is the user's own SQL. */
async function queryOne(client: pg.Client, text: string): Promise<pg.QueryArrayResult> {
  const query = { text, rowMode: 'array', queryMode: 'extended' } as const;
  return client.query(query);
}

async function describe(client: pg.Client, text: string, key: string): Promise<pg.QueryArrayResult> {
  try {
    return await queryOne(client, text);
  } catch (thrown) {
    // Class 42: syntax errors, unknown names, types that do not fit.
    const state = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (!(thrown instanceof Error) || !state.startsWith('42') || state === '42501') throw thrown;
    throw new LakeportError({
      code: 'PARTITION_KEY_UNSUITABLE',
      message: `The server cannot compute the partition key ${key}: ${thrown.message}`,
      hint: 'Name a column, or an expression over the columns of the table',
      context: { detail: `SQLSTATE ${state}` },
      cause: thrown,
    });
  }
}

async function isDeterministicIn(client: pg.Client, oid: number, { spec }: ReadColumn): Promise<boolean> {
  const { rows } = await client.query<{ isDeterministic: boolean }>(
    `SELECT c.collisdeterministic AS "isDeterministic"
     FROM pg_catalog.pg_attribute AS a
     JOIN pg_catalog.pg_collation AS c ON c.oid OPERATOR(pg_catalog.=) a.attcollation
     WHERE a.attrelid OPERATOR(pg_catalog.=) $1 AND a.attnum OPERATOR(pg_catalog.=) $2`,
    [oid, spec.fieldId],
  );
  return rows[0]?.isDeterministic ?? false;
}
