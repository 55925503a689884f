import type { BooleanColumn } from './boolean-column.js';
import type { BytesColumn } from './bytes-column.js';
import type { FixedBytesColumn } from './fixed-bytes-column.js';
import type { Int32Column } from './int32-column.js';
import type { Int64Column } from './int64-column.js';

export type ColumnBuffer = Int32Column | Int64Column | BytesColumn | FixedBytesColumn | BooleanColumn;
