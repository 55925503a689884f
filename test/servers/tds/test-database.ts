import {
  DuckDBBlobValue,
  DuckDBInstance,
  DuckDBTypeId,
  type DuckDBConnection,
  type DuckDBType,
} from '@duckdb/node-api';
import type { WireColumn, WireValue } from './result-set.js';
import type { TdsAnswer, TdsHandler, TdsQuery } from './session.js';
import { splitList, toDuckDb } from './t-sql.js';
import { schemaOf } from './catalog-terms.js';
import { catalogStatements, lacksUtf8 } from './test-catalog.js';
import { tableStatements } from './test-rows.js';
import type { Quirks, TestTable } from './test-tables.js';
import { TdsError } from './tokens.js';

/**
 * A database behind the test server: queries of the catalog and of keys are run by DuckDB on tables like those of SQL
 * Server's catalog; rows that are read come from the test itself, each value as it is, chosen by DuckDB where there is
 * a condition.
 */
export class TestDatabase {
  readonly #connection: DuckDBConnection;
  readonly #tables: readonly TestTable[];
  readonly #quirks: Quirks;

  private constructor(connection: DuckDBConnection, tables: readonly TestTable[], quirks: Quirks) {
    this.#connection = connection;
    this.#tables = tables;
    this.#quirks = quirks;
  }

  static async create(tables: readonly TestTable[], quirks: Quirks = {}): Promise<TestDatabase> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    // NULL is the least of values.
    const statements = [
      "SET default_null_order = 'sqlite'",
      ...catalogStatements(tables, quirks),
      ...tables.flatMap(tableStatements),
    ];
    await connection.run(statements.join(';\n'));
    return new TestDatabase(connection, tables, quirks);
  }

  close(): void {
    this.#connection.closeSync();
  }

  readonly handler: TdsHandler = async (query) => {
    const { sql } = query;
    if (!/^\s*SELECT\b/i.test(sql)) return undefined;
    for (const [name, number] of Object.entries(this.#quirks.refused ?? {})) {
      if (sql.includes(name)) throw new TdsError(number, `No ${name} for you.`);
    }
    if (sql.includes('%%physloc%%') && this.#quirks.noPhysloc)
      throw new TdsError(207, `Invalid column name '%%physloc%%'.`);
    const [collation] = /\b\w+_UTF8\b/.exec(sql) ?? [];
    if (collation !== undefined && lacksUtf8(this.#quirks))
      throw new TdsError(448, `Invalid collation '${collation}'.`);
    return (await this.#rowsOf(query)) ?? this.#computed(query);
  };

  /** The numbers of the rows that a query gives. */
  async rowNumbers(sql: string): Promise<number[]> {
    const rows = await this.#run(toDuckDb(sql).replace(/^SELECT .*? FROM/s, 'SELECT row_number FROM'));
    return rows.map(([number]) => Number(number));
  }

  /** `SELECT columns FROM table`, perhaps with conditions; undefined for what asks for anything else. */
  async #rowsOf({ sql }: TdsQuery): Promise<TdsAnswer> {
    const match =
      /^\s*SELECT (TOP \(0\) )?(.*?) FROM (\[(?:[^\]]|\]\])+\]\.\[(?:[^\]]|\]\])+\])(?: (?:WHERE|ORDER BY) (.*))?$/s.exec(
        sql,
      );
    const table = this.#tables.find((one) => sameName(match?.[3] ?? '', one));
    // What is inside a query of another is no table that rows are asked of.
    if (match === null || table === undefined || /\bFROM\b/.test(match[2] ?? '')) return undefined;
    if (table.refuses !== undefined) throw new TdsError(table.refuses.number, table.refuses.message);
    if (table.hasLocations === false && sql.includes('%%physloc%%')) throw new TdsError(207, `No %%physloc%% here.`);
    const items = splitList(match[2] ?? '').map((item) => this.#item(item, table));
    if (items.some((item) => item === undefined)) return undefined;
    const rows = table.rows ?? [];
    const numbers =
      match[1] !== undefined ? [] : match[4] === undefined ? rows.map((_, i) => i) : await this.rowNumbers(sql);
    return {
      columns: items.map((item) => item!.column),
      rows: numbers.map((number) => items.map((item) => rows[number]?.[item!.index] ?? null)),
    };
  }

  /** `[c]`, `CONVERT(type, [c])`, `1 AS [a]`, or what the product makes of a sql_variant. */
  #item(item: string, table: TestTable): { readonly column: WireColumn; readonly index: number } | undefined {
    const mark = /^\d+ AS \[(\w+)\]$/.exec(item)?.[1];
    if (mark !== undefined) return { column: { name: mark, type: 'int', nullable: false }, index: NO_COLUMN };
    const [, type, name] = /^(?:CONVERT\(([\w()]+), )?\[((?:[^\]]|\]\])+)\]\)?$/.exec(item) ?? [];
    const variant = /^CASE .*SQL_VARIANT_PROPERTY\(\[((?:[^\]]|\]\])+)\]/.exec(item)?.[1];
    const wanted = (name ?? variant ?? '').replaceAll(']]', ']');
    const index = table.columns.findIndex((column) => column.name.toLowerCase() === wanted.toLowerCase());
    const column = table.columns[index];
    if (column === undefined) {
      if (wanted !== '') throw new TdsError(207, `Invalid column name '${wanted}'.`);
      return undefined;
    }
    const sent = variant === undefined ? (type ?? column.arrivesAs ?? column.type) : 'nvarchar(max)';
    const nullable = this.#quirks.allNullable ? true : column.nullable;
    const { collation } = column;
    return {
      index,
      column: {
        name: column.name,
        type: sent,
        ...(nullable !== undefined && { nullable }),
        ...(collation && { collation }),
      },
    };
  }

  async #computed({ sql, parameters }: TdsQuery): Promise<TdsAnswer> {
    const { result, items } = await this.#answer(sql, parameters).catch((thrown: unknown) => {
      const text = thrown instanceof Error ? thrown.message : String(thrown);
      throw text.startsWith('Conversion Error')
        ? new TdsError(245, `Conversion failed: ${text}`)
        : new TdsError(102, `Incorrect syntax: ${text}`);
    });
    const types = result.columnTypes();
    const isInCodePage = (item = '') => this.#quirks.varcharNames === true && /^[\w.]*name$/i.test(item);
    return {
      columns: result.columnNames().map((name, i) => ({
        // What is computed has no name.
        name: name.length > LONGEST_NAME ? '' : name,
        type: isInCodePage(items[i]) ? 'varchar(128)' : wireTypeOf(types[i]!),
      })),
      rows: result.getRows().map((row) => row.map((value) => (value === null ? null : wireValueOf(value)))),
    };
  }

  async #answer(sql: string, parameters: TdsQuery['parameters']) {
    const result = await this.#connection.runAndReadAll(toDuckDb(sql, parameters));
    const selected = sql.replace(/^\s*SELECT\s+/i, '');
    const items = this.#quirks.varcharNames === true ? splitList(selected) : [];
    return { result, items: items.map((item) => item.replace(/\s+FROM\b.*$/is, '')) };
  }

  async #run(sql: string): Promise<readonly (readonly unknown[])[]> {
    return (await this.#connection.runAndReadAll(sql)).getRows();
  }
}

/** Of items that belong to no column of the table: no rows are read with them. */
const NO_COLUMN = -1;

/** `sysname` */
const LONGEST_NAME = 128;

/** As in a database whose collation ignores case. */
function sameName(quoted: string, table: TestTable): boolean {
  const bracketed = (name: string) => `[${name.replaceAll(']', ']]')}]`;
  return quoted.toLowerCase() === `${bracketed(schemaOf(table))}.${bracketed(table.name)}`.toLowerCase();
}

function wireTypeOf(type: DuckDBType): string {
  switch (type.typeId) {
    case DuckDBTypeId.UTINYINT:
      return 'tinyint';
    case DuckDBTypeId.SMALLINT:
      return 'smallint';
    case DuckDBTypeId.INTEGER:
      return 'int';
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.HUGEINT:
      return 'bigint';
    case DuckDBTypeId.DOUBLE:
    case DuckDBTypeId.FLOAT:
      return 'float';
    case DuckDBTypeId.BOOLEAN:
      return 'bit';
    case DuckDBTypeId.DATE:
      return 'date';
    case DuckDBTypeId.BLOB:
      return 'varbinary(max)';
    case DuckDBTypeId.DECIMAL:
      return type.toString().toLowerCase();
    case DuckDBTypeId.TIMESTAMP:
      return 'datetime2(6)';
    default:
      return 'nvarchar(max)';
  }
}

function wireValueOf(value: unknown): WireValue {
  if (value instanceof DuckDBBlobValue) return value.bytes;
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? value : String(value);
}
