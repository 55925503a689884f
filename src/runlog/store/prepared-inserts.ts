import { CompiledQuery, type Kysely, type Transaction } from 'kysely';

import type { LogSchema } from '../model/rows.js';

/** Maximum rows per statement. Even for the widest table, that is below SQL Server's limit of 2,100 parameters. */
const MAX_ROWS = 64;

type Fields = Readonly<Record<string, unknown>>;

/** Rows for one table, each with all of the columns. */
interface Insertion<Columns extends string> {
  readonly into: keyof LogSchema;
  readonly columns: readonly Columns[];
  readonly rows: readonly Readonly<Record<Columns, unknown>>[];
}

/**
 * INSERTs of many rows. The text of each size is compiled once, and sizes are powers of two: compiling it for each batch
 * would cost more than the database needs for the rows.
 */
export class PreparedInserts {
  readonly #db: Kysely<Record<string, Fields>>;
  readonly #statements = new Map<string, string>();

  constructor(db: Kysely<LogSchema>) {
    // Only names matter here; rows and columns fit each other by `Insertion`.
    this.#db = db as Kysely<unknown> as Kysely<Record<string, Fields>>;
  }

  async insert<Columns extends string>(
    transaction: Transaction<LogSchema>,
    { into, columns, rows }: Insertion<Columns>,
  ): Promise<void> {
    for (const some of inPowersOfTwo(rows)) {
      const parameters = some.flatMap((row) => columns.map((column): unknown => row[column]));
      await transaction.executeQuery(CompiledQuery.raw(this.#statement(into, columns, some.length), parameters));
    }
  }

  #statement(into: string, columns: readonly string[], rowCount: number): string {
    const key = `${into} ${rowCount}`;
    const known = this.#statements.get(key);
    if (known !== undefined) return known;
    const row: Fields = Object.fromEntries(columns.map((column) => [column, '']));
    const rows = Array.from({ length: rowCount }, () => row);
    const { sql } = this.#db.insertInto(into).values(rows).compile();
    this.#statements.set(key, sql);
    return sql;
  }
}

/** The items in groups of 64, 32, …, 1. */
export function* inPowersOfTwo<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  let size = MAX_ROWS;
  for (let start = 0; start < items.length; start += size) {
    while (size > items.length - start) size /= 2;
    yield items.slice(start, start + size);
  }
}
