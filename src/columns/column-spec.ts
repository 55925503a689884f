/**
 * A column's name, its Parquet type, and how faithfully it represents the source's values. Plain data, used by workers,
 * manifests and file footers.
 */

export const PHYSICAL_TYPES = [
  'BOOLEAN',
  'INT32',
  'INT64',
  'FLOAT',
  'DOUBLE',
  'BYTE_ARRAY',
  'FIXED_LEN_BYTE_ARRAY',
] as const;
type PhysicalType = (typeof PHYSICAL_TYPES)[number];

/** Parquet's logical types, as far as a source needs them (LogicalTypes.md of the format). */
export type LogicalType =
  | { readonly kind: 'integer'; readonly bitWidth: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly unit: TimeUnit; readonly utc: boolean }
  | { readonly kind: 'timestamp'; readonly unit: TimeUnit; readonly utc: boolean }
  | { readonly kind: 'string' }
  | { readonly kind: 'json' }
  | { readonly kind: 'uuid' };

export type TimeUnit = 'MICROS' | 'NANOS';

export interface ParquetType {
  readonly physical: PhysicalType;
  /** Bytes of a FIXED_LEN_BYTE_ARRAY value. */
  readonly length?: number;
  readonly logical?: LogicalType;
}

/** `exact`: the same value; `text`: every digit and letter, but as a string; `lossy`: some information is lost. */
export type Fidelity = 'exact' | 'text' | 'lossy';

export interface ColumnSpec {
  readonly name: string;
  /** Ordinal of the column in its table, written as Parquet's `field_id`. */
  readonly fieldId: number;
  readonly nullable: boolean;
  /** True for a LIST of `type` (three levels, `list.element`, elements always optional). */
  readonly list: boolean;
  readonly type: ParquetType;
  /** The source's own name of the type, e.g. `numeric(12,2)`. */
  readonly sourceType: string;
  readonly fidelity: Fidelity;
  /** How its values are hidden, such as `partial(0,4)`; undefined if they are not. */
  readonly mask?: string | undefined;
  /**
   * The share of absent values that the Bloom filter of each row group takes for present, between 0 and 1; undefined for
   * no filter.
   */
  readonly bloomFilter?: number | undefined;
  /** Whether it is text only because some of its values fit no other type. */
  readonly isTextByValues?: boolean | undefined;
  /** What the program itself puts into the column, if it is none of the source's. */
  readonly added?: AddedContent | undefined;
}

/** What a column that the source does not have says about each row. */
export const ADDED_CONTENTS = ['run_id', 'exported_at', 'source_table', 'constant'] as const;
export type AddedContent = (typeof ADDED_CONTENTS)[number];
