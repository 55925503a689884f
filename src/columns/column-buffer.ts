import type { ColumnSpec } from './column-spec.js';
/** placeholder until the kernels land */
export interface ColumnBuffer {
  readonly spec: ColumnSpec;
}
