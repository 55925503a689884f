import type { ColumnSpec, ParquetType } from './column-spec.js';
import { STRING } from './parquet-types.js';

/**
 * Profiles for readers that support only part of Parquet: what is written instead of types they reject. To add a
 * reader, add an entry to `PROFILES`.
 */
export type Compat = 'spark';

interface CompatProfile {
  /** The reader's display name. */
  readonly reader: string;
  /** The reader cannot open a file, and so a table, with a column of such a type. */
  readonly refuses: (type: ParquetType) => boolean;
  /** Encodings that the reader cannot decode. */
  readonly avoidedEncodings: readonly string[];
  /** Key-value pairs of the file's footer. */
  readonly footer: Readonly<Record<string, string>>;
}

const PROFILES: Readonly<Record<Compat, CompatProfile>> = {
  spark: {
    reader: 'Spark',
    refuses: ({ logical }) =>
      logical?.kind === 'uuid' ||
      logical?.kind === 'time' ||
      (logical?.kind === 'timestamp' && logical.unit === 'NANOS'),
    // Its vectorized reader, the default, throws an UnsupportedOperationException.
    avoidedEncodings: ['BYTE_STREAM_SPLIT'],
    // Spark rejects dates before 1582 (READ_ANCIENT_DATETIME) in files that do not state their calendar. The Spark
    // version in the footer states it (DataSourceUtils.datetimeRebaseSpec): since 3.0 it is the proleptic Gregorian
    // calendar, which is Parquet's own.
    footer: { 'org.apache.spark.version': '3.5.0' },
  },
};

// The type says which keys there are.
export const COMPATS = Object.keys(PROFILES) as readonly Compat[];

/**
 * The type to write for the reader: text for types it rejects, signed integers of twice the width for unsigned ones.
 * The same object if nothing changes.
 */
export function compatibleType(type: ParquetType, compat: Compat | undefined): ParquetType {
  if (compat === undefined) return type;
  if (PROFILES[compat].refuses(type)) return STRING;
  const { logical } = type;
  if (logical?.kind !== 'integer' || logical.signed) return type;
  // 32 bits and more do not occur: the physical type would have to grow too.
  const bitWidth = logical.bitWidth === 8 ? 16 : 32;
  return { ...type, logical: { kind: 'integer', bitWidth, signed: true } };
}

/** Profiles of readers that cannot open a table with this column. */
export function refusedBy({ type }: ColumnSpec): readonly Compat[] {
  return COMPATS.filter((compat) => PROFILES[compat].refuses(type));
}

/** The reader's display name. */
export function readerOf(compat: Compat): string {
  return PROFILES[compat].reader;
}

/** Additional footer entries of files for this reader. */
export function compatFooter(compat: Compat | undefined): Readonly<Record<string, string>> {
  return compat === undefined ? {} : PROFILES[compat].footer;
}

/** Encodings that files for this reader must not have. */
export function avoidedEncodings(compat: Compat | undefined): readonly string[] {
  return compat === undefined ? [] : PROFILES[compat].avoidedEncodings;
}
