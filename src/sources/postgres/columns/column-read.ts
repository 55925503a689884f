import type { Fidelity, ParquetType } from '../../../columns/column-spec.js';
import type { ColumnTreatment } from '../../column-treatment.js';
import type { ColumnDecoder } from '../../source.js';
import type { ResolvedType } from './type-catalog.js';

/** How a column is read: by its own type, or as its treatment says. */
export interface ColumnRead {
  readonly type: ParquetType;
  readonly decoder: ColumnDecoder;
  readonly fidelity: Fidelity;
  readonly expression: string;
  /** Whether a value may have no counterpart in the Parquet type. */
  readonly partial: boolean;
  readonly list: boolean;
  /** Whether it only has NULLs. */
  readonly isNull?: boolean;
  readonly mask?: string;
}

export interface TreatedColumn {
  readonly name: string;
  /** Name of its type. */
  readonly sourceType: string;
  readonly resolved: ResolvedType;
  readonly treatment: ColumnTreatment | undefined;
}
