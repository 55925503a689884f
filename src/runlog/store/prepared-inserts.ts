import { CompiledQuery, type Kysely, type Transaction } from 'kysely';

import type { FileRow, JobRow, PartitionRow } from '../model/row-types.js';
import type { LogSchema } from '../model/schema.js';

/** Rows of one statement at most. With the widest table, that is below the 2,100 parameters that SQL Server takes. */
const MOST_ROWS = 64;

interface RowsOf {
  readonly export_jobs: JobRow;
  readonly export_partitions: PartitionRow;
  readonly export_files: FileRow;
}

type Fields = Readonly<Record<string, unknown>>;

interface Prepared {
  readonly sql: string;
  readonly columns: readonly string[];
}

/**
 * INSERTs of many rows. Their text is made once for each size, and the sizes are powers of two: making it anew for each
 * batch would cost more than the database needs for the rows.
 */
export class PreparedInserts {
  readonly #db: Kysely<Record<string, Fields>>;
  readonly #prepared = new Map<string, Prepared>();

  constructor(db: Kysely<LogSchema>) {
    // Here only names matter; what fits into which column, `RowsOf` says.
    this.#db = db as Kysely<unknown> as Kysely<Record<string, Fields>>;
  }

  async insert<Table extends keyof RowsOf>(
    transaction: Transaction<LogSchema>,
    table: Table,
    rows: readonly RowsOf[Table][],
  ): Promise<void> {
    for (const some of inPowersOfTwo(rows)) {
      const { sql, columns } = this.#statement(table, some);
      await transaction.executeQuery(CompiledQuery.raw(sql, parametersOf(some, columns)));
    }
  }

  #statement(table: string, rows: readonly object[]): Prepared {
    const key = `${table} ${rows.length}`;
    const known = this.#prepared.get(key);
    if (known !== undefined) return known;
    const columns = Object.keys(rows[0] ?? {});
    const { sql } = this.#db.insertInto(table).values(rows.map(asFields)).compile();
    const prepared = { sql, columns };
    this.#prepared.set(key, prepared);
    return prepared;
  }
}

/** The items in groups of 64, 32 … 1. */
export function* inPowersOfTwo<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  let size = MOST_ROWS;
  for (let start = 0; start < items.length; start += size) {
    while (size > items.length - start) size /= 2;
    yield items.slice(start, start + size);
  }
}

function parametersOf(rows: readonly object[], columns: readonly string[]): unknown[] {
  const parameters: unknown[] = [];
  for (const row of rows.map(asFields)) for (const column of columns) parameters.push(row[column]);
  return parameters;
}

/** Rows are plain data. */
function asFields(row: object): Fields {
  return row as Fields;
}
