import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

import type { ParquetType } from '../../columns/column-spec.js';
import { boundText, type DigestedValue, type DigestShape, DigestSums, numberText } from '../../columns/value-digest.js';
import type { ColumnTotals, SeenAt, SourceChange, TableTotals } from '../column-totals.js';
import { fromClause } from '../row-set.js';
import type { ReadColumn, SourceDataset } from '../source.js';
import type { SqliteConnection } from './connection.js';
import { sqliteRows } from './rows.js';
import { type ToUtf8, utf8From } from './text-encoding.js';

/** Counts, bounds, sums and hashes of a table's columns. SQLite has no hash, and runs in this process, which reads each row. */

/** Rows between two chances for an abort to be noticed. */
const BATCH_ROWS = 5000;

export async function readTotals(
  connection: SqliteConnection,
  {
    table,
    columns,
    signal,
  }: { readonly table: SourceDataset; readonly columns: readonly ReadColumn[]; readonly signal: AbortSignal },
): Promise<TableTotals> {
  const rows = sqliteRows(table.dataset);
  const [[encoding] = []] = connection.query('PRAGMA encoding');
  const toUtf8 = utf8From(String(encoding));
  const list = columns.length === 0 ? '1' : columns.map(({ expression }) => expression).join(', ');
  const totals = columns.map((column) => new ColumnTotal(column, toUtf8));
  let count = 0;
  for (const values of connection.rowsExactly(`${rows.prefix}SELECT ${list} ${fromClause(rows)}`)) {
    for (const [i, total] of totals.entries()) total.add(values[i]);
    if (++count % BATCH_ROWS > 0) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
  return { rows: count, columns: totals.map((total) => total.result()) };
}

class ColumnTotal {
  readonly #kind: string;
  readonly #shape: DigestShape;
  readonly #sums: DigestSums;
  readonly #toUtf8: ToUtf8;
  #nulls = 0;
  #misfits = 0;
  #min: DigestedValue | undefined;
  #max: DigestedValue | undefined;

  constructor({ decoder, spec }: ReadColumn, toUtf8: ToUtf8) {
    this.#kind = decoder.kind;
    this.#shape = shapeOf(spec.type);
    this.#sums = new DigestSums(this.#shape);
    this.#toUtf8 = toUtf8;
  }

  add(value: unknown): void {
    if (value === null || value === undefined) {
      this.#nulls++;
      return;
    }
    const held = this.#held(value);
    if (held === undefined) {
      this.#misfits++;
      return;
    }
    this.#sums.add(held, 1);
    // NaN does not exist in SQLite.
    if (this.#min === undefined || isLess(held, this.#min)) this.#min = held;
    if (this.#max === undefined || isLess(this.#max, held)) this.#max = held;
  }

  result(): ColumnTotals {
    const shape = this.#shape;
    const { hash, sum } = this.#sums;
    return {
      nulls: this.#nulls + this.#misfits,
      ownNulls: this.#nulls,
      tellsUnrepresentable: true,
      hash,
      min: this.#min === undefined ? undefined : boundText(shape, this.#min),
      max: this.#max === undefined ? undefined : boundText(shape, this.#max),
      sum: sum === undefined ? undefined : numberText(shape, sum),
    };
  }

  /** As a reader writes it; undefined for what does not fit. */
  #held(value: unknown): DigestedValue | undefined {
    switch (this.#kind) {
      case 'integer':
      case 'decimal':
        return typeof value === 'bigint' ? value : undefined;
      case 'boolean':
        return value === 0n || value === 1n ? value : undefined;
      case 'real':
      case 'double': {
        if (typeof value === 'number') return value;
        if (typeof value !== 'bigint') return undefined;
        return this.#kind === 'double' || BigInt(Number(value)) === value ? Number(value) : undefined;
      }
      case 'blob':
        return value instanceof Uint8Array ? value : undefined;
      default:
        return value instanceof Uint8Array ? this.#toUtf8(value) : undefined;
    }
  }
}

function shapeOf({ physical, logical }: ParquetType): DigestShape {
  if (logical?.kind === 'decimal') return { form: 'decimal', scale: logical.scale };
  if (physical === 'DOUBLE') return { form: 'float64' };
  if (physical === 'BYTE_ARRAY') return { form: logical === undefined ? 'bytes' : 'text' };
  return { form: 'integer', isUnsigned: false };
}

function isLess(a: DigestedValue, b: DigestedValue): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) < 0 : a < b;
}

/** Whether the file was written to: SQLite does not know when a table was. */
export function readChange(file: string, { takenAt }: SeenAt): SourceChange {
  const times = [file, `${file}-wal`].map((path) => statSync(path, { throwIfNoEntry: false })?.mtime.getTime() ?? 0);
  const written = Math.max(...times);
  const evidence = `${file} was last written to at ${new Date(written).toISOString()}, and read by the export at ${takenAt}`;
  return { kind: written > new Date(takenAt).getTime() ? 'changed' : 'unchanged', evidence };
}
