import { readFile } from 'node:fs/promises';
import { DataType, tableFromIPC, TimeUnit, Vector, type Data, type Field } from 'apache-arrow';
import { readParquet } from 'parquet-wasm';
import {
  booleanText,
  bytesText,
  dateText,
  decimalText,
  floatText,
  timestampText,
  timeText,
  uuidText,
  type Cell,
  type ReadColumn,
} from './cell.js';

/** This build of arrow-rs doesn't tell that a column is a UUID; nothing else of this width is written. */
const UUID_BYTES = 16;

/** arrow-rs, compiled to WebAssembly, by way of Arrow's own format. Knows every type that lakeport writes. */
export async function readWithParquetWasm(files: readonly string[]): Promise<ReadColumn[]> {
  const columns: { name: string; cells: Cell[] }[] = [];
  for (const file of files) {
    const table = tableFromIPC(readParquet(await readFile(file)).intoIPCStream());
    table.schema.fields.forEach((field, i) => {
      const column = (columns[i] ??= { name: field.name, cells: [] });
      const batches = (table.getChildAt(i)?.data ?? []) as readonly Data[];
      for (const data of batches) {
        const cell = cellReader(data, field);
        for (let row = 0; row < data.length; row++) column.cells.push(cell(row));
      }
    });
  }
  return columns;
}

/** arrow-js turns dates, times and timestamps into doubles: these values are read from the buffers themselves. */
function cellReader(data: Data, field: Field): (row: number) => Cell {
  const { type } = data;
  const raw = data.values as ArrayLike<unknown>;
  const vector = new Vector([data]);
  const bytes = (row: number) => vector.get(row) as Uint8Array;
  const micros = (row: number) => raw[row] as bigint;
  const valid = (text: (row: number) => Cell) => (row: number) => (data.getValid(row) ? text(row) : null);

  if (DataType.isBool(type)) return valid((row) => booleanText(Boolean(vector.get(row))));
  if (DataType.isInt(type)) return valid((row) => String(raw[row]));
  if (DataType.isFloat(type)) return valid((row) => floatText(Number(raw[row])));
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return valid((row) => vector.get(row) as string);
  if (DataType.isDecimal(type)) {
    const { scale } = type;
    return valid((row) => decimalText(decimal128(raw as Uint32Array, row), scale));
  }
  if (DataType.isDate(type)) return valid((row) => dateText(Number(raw[row])));
  if (DataType.isTimestamp(type) && type.unit === TimeUnit.MICROSECOND) {
    if (type.timezone && type.timezone !== 'UTC') throw new Error(`time zone ${type.timezone} is not expected`);
    const utc = Boolean(type.timezone);
    return valid((row) => timestampText(micros(row), { utc }));
  }
  if (DataType.isTime(type) && type.unit === TimeUnit.MICROSECOND) return valid((row) => timeText(micros(row)));
  if (DataType.isFixedSizeBinary(type) && type.byteWidth === UUID_BYTES) {
    return valid((row) => uuidText(bytes(row)));
  }
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isFixedSizeBinary(type)) {
    return valid((row) => bytesText(bytes(row)));
  }
  if (DataType.isList(type)) {
    const offsets = data.valueOffsets as Int32Array;
    const [child] = data.children;
    // There is none where there are no rows.
    if (child === undefined) return () => null;
    const element = cellReader(child, type.children[0]!);
    return valid((row) => {
      const start = offsets[row]!;
      return Array.from({ length: offsets[row + 1]! - start }, (_, i) => element(start + i));
    });
  }
  throw new Error(`parquet-wasm read column ${field.name} as ${field.toString()}, which is not expected in a file`);
}

function decimal128(words: Uint32Array, row: number): bigint {
  let value = 0n;
  for (let word = 3; word >= 0; word--) value = (value << 32n) | BigInt(words[row * 4 + word]!);
  return BigInt.asIntN(128, value);
}
