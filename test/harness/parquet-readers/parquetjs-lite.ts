import parquet, { type ParquetField } from 'parquetjs-lite';
import codecs from 'parquetjs-lite/lib/codec/index.js';
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

const DAY_MS = 86_400_000;

// It knows dictionaries by the name that this same encoding had in the format's version 1.
codecs['RLE_DICTIONARY'] = codecs['PLAIN_DICTIONARY'];

/**
 * parquetjs-lite: knows no Zstd and LZ4, no decimals, UUIDs, lists and logical types (so neither whether a timestamp is
 * in UTC), and turns dates and timestamps into `Date`, which ends in the year 275760 and at the millisecond. A column
 * it can't know is left out; a file it can't open at all throws.
 */
export async function readWithParquetjsLite(files: readonly string[]): Promise<ReadColumn[]> {
  const columns: { name: string; cells: Cell[] | undefined }[] = [];
  for (const file of files) {
    const reader = await parquet.ParquetReader.openFile(file);
    try {
      const fields = reader.schema.fieldList.filter((field) => field.path.length === 1);
      fields.forEach((field, i) => (columns[i] ??= { name: field.name, cells: known(field) ? [] : undefined }));
      const cursor = reader.getCursor(fields.filter(known).map((field) => field.name));
      for (let row = await cursor.next(); row; row = await cursor.next()) {
        for (const [i, field] of fields.entries()) columns[i]?.cells?.push(cellText(row[field.name], field));
      }
    } finally {
      await reader.close();
    }
  }
  return columns;
}

function known(field: ParquetField): boolean {
  return field.primitiveType !== undefined && field.primitiveType !== 'FIXED_LEN_BYTE_ARRAY';
}

function cellText(value: unknown, field: ParquetField): Cell {
  if (value === null || value === undefined) return null;
  switch (field.originalType ?? field.primitiveType) {
    case 'DATE':
      return dateText((value as Date).getTime() / DAY_MS);
    case 'TIMESTAMP_MICROS':
      return timestampText(BigInt((value as Date).getTime()) * 1000n, { utc: false });
    case 'TIME_MICROS':
      return timeText(BigInt(value as string));
    case 'FLOAT':
    case 'DOUBLE':
      return floatText(Number(value));
    default:
      if (typeof value === 'boolean') return booleanText(value);
      if (value instanceof Uint8Array) return bytesText(value);
      if (typeof value === 'string') return value;
      if (typeof value === 'number' || typeof value === 'bigint') return value.toString();
      // What was written as JSON comes parsed.
      return JSON.stringify(value);
  }
}
