import { parquetWriteBuffer, type ColumnSource } from 'hyparquet-writer';
import type { SchemaElement } from 'hyparquet';
import type { MemoryColumn } from './lineitem-columns.js';

/** hyparquet-writer: JavaScript, one value a cell. */
export function prepare(columns: readonly MemoryColumn[]): () => number {
  const columnData = columns.map((column): ColumnSource => ({ name: column.name, data: [...column.values] }));
  const schema: SchemaElement[] = [{ name: 'root', num_children: columns.length }, ...columns.map(element)];
  return () => parquetWriteBuffer({ columnData, schema, codec: 'SNAPPY', rowGroupSize: 1_000_000 }).byteLength;
}

function element({ name, kind }: MemoryColumn): SchemaElement {
  const required = { name, repetition_type: 'REQUIRED' } as const;
  switch (kind) {
    case 'int64':
      return { ...required, type: 'INT64' };
    case 'int32':
      return { ...required, type: 'INT32' };
    case 'decimal':
      return { ...required, type: 'INT64', converted_type: 'DECIMAL', precision: 15, scale: 2 };
    case 'date':
      return { ...required, type: 'INT32', converted_type: 'DATE' };
    case 'text':
      return { ...required, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
  }
}
