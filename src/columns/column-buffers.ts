import { BooleanColumn } from './boolean-column.js';
import { BytesColumn } from './bytes-column.js';
import type { ColumnBuffer } from './column-buffer.js';
import type { Memory } from '../kernels/kernels.js';
import type { ColumnBufferOptions } from './base-column.js';
import type { ColumnSpec } from './column-spec.js';
import { FixedBytesColumn } from './fixed-bytes-column.js';
import { Int32Column } from './int32-column.js';
import { Int64Column } from './int64-column.js';

/** One empty buffer per column. Buffers grow on demand and are reused for every file. */
export function createColumnBuffers(
  specs: readonly ColumnSpec[],
  options: { readonly rowGroupRows: number; readonly memory?: Memory | undefined },
): ColumnBuffer[] {
  return specs.map((spec) => createColumnBuffer({ spec, ...options, tableColumns: specs.length }));
}

function createColumnBuffer(options: ColumnBufferOptions): ColumnBuffer {
  const { physical } = options.spec.type;
  switch (physical) {
    case 'BOOLEAN':
      return new BooleanColumn(options);
    case 'INT32':
    case 'FLOAT':
      return new Int32Column(options);
    case 'INT64':
    case 'DOUBLE':
      return new Int64Column(options);
    case 'BYTE_ARRAY':
      return new BytesColumn(options);
    case 'FIXED_LEN_BYTE_ARRAY':
      return new FixedBytesColumn(options);
    default:
      return physical satisfies never;
  }
}
