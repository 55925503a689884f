import {
  DateDay,
  Decimal,
  Field,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  tableToIPC,
  Utf8,
  type Data,
} from 'apache-arrow';
import { Compression, Table as WasmTable, writeParquet, WriterPropertiesBuilder } from 'parquet-wasm';
import type { MemoryColumn } from './lineitem-columns.js';

/** arrow-rs in WebAssembly. The Arrow table is there before the clock starts; handing it over counts. */
export function prepare(columns: readonly MemoryColumn[]): () => number {
  const children = columns.map(arrowData);
  const schema = new Schema(columns.map(({ name }, i) => new Field(name, children[i]?.type ?? new Utf8(), false)));
  const struct = makeData({ type: new Struct(schema.fields), children, length: columns[0]?.values.length ?? 0 });
  const table = new Table(new RecordBatch(schema, struct));
  return () => {
    const properties = new WriterPropertiesBuilder().setCompression(Compression.SNAPPY).build();
    return writeParquet(WasmTable.fromIPCStream(tableToIPC(table, 'stream')), properties).length;
  };
}

function arrowData(column: MemoryColumn): Data {
  switch (column.kind) {
    case 'int64':
      return makeData({ type: new Int64(), data: column.values });
    case 'int32':
      return makeData({ type: new Int32(), data: column.values });
    case 'date':
      return makeData({ type: new DateDay(), data: column.values });
    case 'decimal':
      return makeData({ type: new Decimal(2, 15, 128), data: decimals(column.values) });
    case 'text':
      return text(column.values);
  }
}

/** 128 bits each, least significant word first. */
function decimals(values: BigInt64Array): Uint32Array {
  const words = new BigInt64Array(values.length * 2);
  values.forEach((value, i) => {
    words[i * 2] = value;
    words[i * 2 + 1] = value < 0n ? -1n : 0n;
  });
  return new Uint32Array(words.buffer);
}

function text(values: readonly string[]): Data {
  const data = Buffer.from(values.join(''), 'utf8');
  const valueOffsets = new Int32Array(values.length + 1);
  values.forEach((value, i) => (valueOffsets[i + 1] = (valueOffsets[i] ?? 0) + Buffer.byteLength(value)));
  return makeData({ type: new Utf8(), data, valueOffsets, length: values.length });
}
