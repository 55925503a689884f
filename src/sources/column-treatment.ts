import { LakeportError } from '../errors.js';
import type { Mask } from '../model/mask.js';
import type { TableId } from '../model/table.js';
import { type WantedType, wantedTypeName } from '../model/wanted-type.js';

/** What users ask for about a single column. */
export interface ColumnTreatment {
  readonly mask?: Mask | undefined;
  readonly type?: WantedType | undefined;
  /** Some of its values fit its Parquet type in no other form than text. */
  readonly isTextByValues?: boolean | undefined;
}

/** The treatment of each column. A source asks for every column that it describes. */
export interface ColumnTreatments {
  of(table: TableId, column: string): ColumnTreatment | undefined;
}

/** For a type that a column's values cannot be written as. @param reason completes "because …" */
export function typeNotPossible(
  { name, sourceType }: { readonly name: string; readonly sourceType: string },
  wanted: WantedType,
  reason: string,
): LakeportError {
  const shown = sourceType === '' ? '' : ` (${sourceType})`;
  return new LakeportError({
    code: 'COLUMN_TYPE_NOT_POSSIBLE',
    message: `Column ${name}${shown} cannot be written as ${wantedTypeName(wanted)}: ${reason}`,
    hint: 'Change its --column-type, or leave it out',
    context: { column: name },
  });
}

/** For a mask that makes text, on a column that is to have another type. */
export function maskIsText(
  column: { readonly name: string; readonly sourceType: string },
  wanted: WantedType,
): LakeportError {
  return typeNotPossible(column, wanted, 'its mask writes text; of the masks only null keeps a type');
}
