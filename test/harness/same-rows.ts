import type { Cell, ReadColumn } from './parquet-readers/cell.js';
import { readWithDuckDb } from './parquet-readers/duckdb.js';
import { readWithHyparquet } from './parquet-readers/hyparquet.js';
import { readWithParquetWasm } from './parquet-readers/parquet-wasm.js';
import { readWithParquetjsLite } from './parquet-readers/parquetjs-lite.js';

export const READERS = {
  DuckDB: readWithDuckDb,
  'parquet-wasm': readWithParquetWasm,
  hyparquet: readWithHyparquet,
  'parquetjs-lite': readWithParquetjsLite,
} satisfies Record<string, (files: readonly string[]) => Promise<ReadColumn[]>>;

export type ReaderName = keyof typeof READERS;

/** The two that know every type. */
export const FULL_READERS = ['DuckDB', 'parquet-wasm'] as const satisfies readonly ReaderName[];
export const ALL_READERS = Object.keys(READERS) as ReaderName[];

/** Enough to see what is wrong. */
const SHOWN = 5;
const SHOWN_TEXT = 120;

/**
 * Differences between the rows of a file and the server's, as readable lines; empty if equal. Both sides are sorted by
 * their first column, which must be unique.
 */
export async function differences(
  reader: ReaderName,
  files: readonly string[],
  expected: readonly (readonly Cell[])[],
): Promise<string[]> {
  const columns = await READERS[reader](files);
  const rowCount = Math.max(...columns.map(({ cells }) => cells?.length ?? 0), 0);
  const order = sortedOrder(rowCount, (row) => columns[0]?.cells?.[row] ?? null);
  const expectedOrder = sortedOrder(expected.length, (row) => expected[row]![0] ?? null);

  const found: string[] = [];
  if (rowCount !== expected.length) found.push(`${reader}: ${rowCount} rows instead of ${expected.length}`);
  for (const [i, { name, cells }] of columns.entries()) {
    if (cells === undefined) continue;
    for (let row = 0; row < Math.min(rowCount, expected.length) && found.length < SHOWN; row++) {
      const wanted = expected[expectedOrder[row]!]![i];
      const read = cells[order[row]!];
      if (!sameCell(read, wanted))
        found.push(`${reader}: ${name}, row ${row}: ${shown(read)} instead of ${shown(wanted)}`);
    }
  }
  return found;
}

function sortedOrder(count: number, key: (row: number) => Cell): number[] {
  const keys = Array.from({ length: count }, (_, row) => String(key(row)));
  return keys.map((_, row) => row).sort((a, b) => (keys[a]! < keys[b]! ? -1 : keys[a]! > keys[b]! ? 1 : 0));
}

function sameCell(a: Cell | undefined, b: Cell | undefined): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((item: Cell, i) => sameCell(item, b[i] as Cell));
}

function shown(cell: Cell | undefined): string {
  if (cell === undefined) return 'nothing';
  const text = JSON.stringify(cell);
  return text.length <= SHOWN_TEXT ? text : `${text.slice(0, SHOWN_TEXT)}… (${text.length} characters)`;
}
