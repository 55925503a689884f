import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import {
  booleanText,
  bytesText,
  dateText,
  floatText,
  timestampText,
  timeText,
  type Cell,
  type ReadColumn,
} from './cell.js';

/** Decimals come as doubles: up to this precision they are still the ones that were meant. */
const DOUBLE_DIGITS = 15;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** hyparquet: JavaScript only. Large decimals are beyond it. */
export async function readWithHyparquet(files: readonly string[]): Promise<ReadColumn[]> {
  const columns: { name: string; cells: Cell[] | undefined }[] = [];
  for (const path of files) {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    const rows = await parquetReadObjects({
      file,
      metadata,
      compressors,
      utf8: false,
      parsers: {
        dateFromDays: (days: number) => dateText(days),
        timestampFromMicroseconds: (micros: bigint) => micros,
        stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
        jsonFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
      },
    });
    for (const [i, leaf] of leaves(metadata.schema).entries()) {
      const column = (columns[i] ??= { name: leaf.name, cells: known(leaf.element) ? [] : undefined });
      for (const row of rows) column.cells?.push(cellText(row[leaf.name], leaf.element));
    }
  }
  return columns;
}

interface Leaf {
  /** Of the column, not of a list's element. */
  readonly name: string;
  readonly element: SchemaElement;
}

function leaves(schema: readonly SchemaElement[]): Leaf[] {
  const found: Leaf[] = [];
  let at = 1;
  const descend = (name: string | undefined): void => {
    const element = schema[at++]!;
    const children = element.num_children ?? 0;
    if (children === 0) found.push({ name: name ?? element.name, element });
    for (let child = 0; child < children; child++) descend(name ?? element.name);
  };
  while (at < schema.length) descend(undefined);
  return found;
}

function known(element: SchemaElement): boolean {
  return element.converted_type !== 'DECIMAL' || (element.precision ?? 0) <= DOUBLE_DIGITS;
}

function cellText(value: unknown, element: SchemaElement): Cell {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map((item) => cellText(item, element));
  const logical = element.logical_type;
  if (logical?.type === 'TIMESTAMP') return timestampText(value as bigint, { utc: logical.isAdjustedToUTC });
  if (logical?.type === 'TIME') return timeText(value as bigint);
  if (element.converted_type === 'DECIMAL') return fixed(value as number, element.scale ?? 0);
  if (typeof value === 'boolean') return booleanText(value);
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return bytesText(value);
  throw new Error(`hyparquet read a ${typeof value} from ${element.name}, which is not expected`);
}

function fixed(value: number, scale: number): string {
  const text = value.toFixed(scale);
  return Number(text) === 0 ? text.replace('-', '') : text;
}
