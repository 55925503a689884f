import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import parquet from 'parquetjs-lite';
import type { MemoryColumn } from './lineitem-columns.js';

const DAY_MS = 86_400_000;

const TYPES = { int64: 'INT64', int32: 'INT32', decimal: 'DOUBLE', date: 'DATE', text: 'UTF8' } as const;

/** parquetjs-lite: one object a row, into a file. It has no decimals, which are given as doubles. */
export function prepare(columns: readonly MemoryColumn[]): () => Promise<number> {
  const fields = columns.map(({ name, kind }) => [name, { type: TYPES[kind], compression: 'SNAPPY' }] as const);
  const schema = new parquet.ParquetSchema(Object.fromEntries(fields));
  const rows = Array.from({ length: columns[0]?.values.length ?? 0 }, (_, row) =>
    Object.fromEntries(columns.map((column) => [column.name, cell(column, row)])),
  );
  return async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-bench-'));
    try {
      const file = path.join(directory, 'lineitem.parquet');
      const writer = await parquet.ParquetWriter.openFile(schema, file);
      writer.setRowGroupSize(1_000_000);
      for (const row of rows) await writer.appendRow(row);
      await writer.close();
      return statSync(file).size;
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

function cell(column: MemoryColumn, row: number): unknown {
  switch (column.kind) {
    case 'int64':
    case 'int32':
      return Number(column.values[row]);
    case 'decimal':
      return Number(column.values[row]) / 100;
    case 'date':
      return new Date(Number(column.values[row]) * DAY_MS);
    case 'text':
      return column.values[row];
  }
}
