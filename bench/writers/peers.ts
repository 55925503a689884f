import { PassThrough } from 'node:stream';
import * as arrow from 'apache-arrow';
import { parquetWriteBuffer } from 'hyparquet-writer';
import parquetWasm from 'parquet-wasm/node';
import parquetjs from 'parquetjs-lite';
import { compressSync } from 'snappy';
import { type LineitemColumn, type LineitemColumns, SCALE } from './columns.js';

/* Other writers of Parquet for Node, each from the columns as it takes them, all with Snappy. Sizes are in bytes. */

/** One JavaScript value a cell. */
export function writeWithHyparquetWriter({ columns }: LineitemColumns): number {
  const file = parquetWriteBuffer({
    columnData: columns.map((column) => ({ name: column.name, data: cells(column), nullable: false })),
    schema: [
      { name: 'schema', num_children: columns.length },
      ...columns.map((column) => ({ name: column.name, repetition_type: 'REQUIRED' as const, ...SCHEMA[column.kind] })),
    ],
    codec: 'SNAPPY',
    compressors: { SNAPPY: (page) => compressSync(page, { copyOutputData: true }) },
    rowGroupSize: 1_000_000,
  });
  return file.byteLength;
}

function cells({ values }: LineitemColumn): string[] | Int32Array | BigInt64Array {
  return values instanceof Int32Array || values instanceof BigInt64Array ? values : [...values];
}

const SCHEMA = {
  int32: { type: 'INT32' },
  date: { type: 'INT32', converted_type: 'DATE' },
  int64: { type: 'INT64' },
  decimal: { type: 'INT64', converted_type: 'DECIMAL', precision: 15, scale: SCALE },
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
} as const;

/** Arrow's columns to arrow-rs, by way of its stream format, as the two share no memory. */
export function writeWithParquetWasm({ columns }: LineitemColumns): number {
  const table = new arrow.Table(Object.fromEntries(columns.map((column) => [column.name, vector(column)])));
  const properties = new parquetWasm.WriterPropertiesBuilder()
    .setCompression(parquetWasm.Compression.SNAPPY)
    .setMaxRowGroupSize(1_000_000)
    .build();
  return parquetWasm.writeParquet(parquetWasm.Table.fromIPCStream(arrow.tableToIPC(table, 'stream')), properties)
    .length;
}

function vector(column: LineitemColumn): arrow.Vector {
  switch (column.kind) {
    case 'int32':
      return arrow.makeVector(column.values);
    case 'date':
      return arrow.makeVector(
        arrow.makeData({ type: new arrow.DateDay(), length: column.values.length, data: column.values }),
      );
    case 'int64':
    case 'decimal':
      return arrow.makeVector(column.values);
    case 'string':
      return arrow.makeVector(
        arrow.makeData({
          type: new arrow.Utf8(),
          length: column.values.length,
          valueOffsets: column.offsets,
          data: column.data,
        }),
      );
    default:
      return column satisfies never;
  }
}

/** One object a row. It has no decimals: their unscaled integers stand for them. */
export async function writeWithParquetjsLite({ rows, columns }: LineitemColumns): Promise<number> {
  const types = { int32: 'INT32', date: 'INT32', int64: 'INT64', decimal: 'INT64', string: 'UTF8' };
  const schema = new parquetjs.ParquetSchema(
    Object.fromEntries(columns.map(({ name, kind }) => [name, { type: types[kind], compression: 'SNAPPY' }])),
  );
  const stream = new PassThrough();
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const writer = await parquetjs.ParquetWriter.openStream(schema, stream);
  for (let row = 0; row < rows; row++) {
    await writer.appendRow(Object.fromEntries(columns.map(({ name, values }) => [name, plain(values[row])])));
  }
  await writer.close();
  return bytes;
}

function plain(value: string | number | bigint | undefined): string | number | undefined {
  return typeof value === 'bigint' ? Number(value) : value;
}
