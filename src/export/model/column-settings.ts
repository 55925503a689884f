import type { Mask } from '../../model/mask.js';
import type { WantedType } from '../../model/wanted-type.js';
import type { TableSetting } from './table-setting.js';

/** What users say about the columns whose names match a LIKE pattern. Plain data, stored in the run's record. */
export interface ColumnMask {
  readonly column: string;
  readonly mask: Mask;
}

export interface ColumnType {
  readonly column: string;
  readonly type: WantedType;
}

/** A column of a policy: masked, or decided to be exported as it is. */
export interface PolicyColumn {
  readonly column: string;
  readonly mask: Mask | undefined;
}

/** The masks of a file that is kept under version control. */
export interface MaskPolicy {
  /** Where it was read from, for messages. */
  readonly path: string;
  /** `fail`: a column that the policy does not name fails the run. */
  readonly unlisted: 'fail' | 'allow';
  /** The first that matches a column counts. */
  readonly columns: readonly TableSetting<PolicyColumn>[];
}

/** Columns that get Bloom filters. */
export interface ColumnBloomFilter {
  readonly column: string;
  /** See `ColumnSpec.bloomFilter`. */
  readonly falsePositives: number;
}

/** The part of an export's options that says how single columns are written. */
export interface ColumnOptions {
  readonly masks?: readonly TableSetting<ColumnMask>[] | undefined;
  readonly maskPolicy?: MaskPolicy | undefined;
  /** A reference such as `$env{NAME}`, never the salt itself. */
  readonly maskSalt?: string | undefined;
  readonly bloomFilters?: readonly TableSetting<ColumnBloomFilter>[] | undefined;
  readonly columnTypes?: readonly TableSetting<ColumnType>[] | undefined;
}

/** Whether a column may be hashed, which needs a salt. */
export function needsSalt({ masks = [], maskPolicy }: ColumnOptions): boolean {
  const isHash = (setting: TableSetting<{ readonly mask: Mask | undefined }>) => setting.value.mask?.method === 'hash';
  return masks.some(isHash) || (maskPolicy?.columns.some(isHash) ?? false);
}
