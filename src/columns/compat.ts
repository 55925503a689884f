import type { ColumnSpec, ParquetType } from './column-spec.js';

/**
 * Profiles for readers that know only a part of Parquet: what is written for them in place of what they don't take.
 * Another reader is another entry of `PROFILES`.
 */
export type Compat = 'spark';

interface CompatProfile {
  /** For people. */
  readonly reader: string;
  /** The reader opens no file, and so no table, that has a column of such a type. */
  readonly refuses: (type: ParquetType) => boolean;
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
    // Dates before 1582 are an error of Spark's (READ_ANCIENT_DATETIME) in files that do not say which calendar they
    // follow. A file says so by the version of Spark whose rules it keeps (DataSourceUtils.datetimeRebaseSpec): since 3.0
    // that is the proleptic Gregorian calendar, Parquet's own.
    footer: { 'org.apache.spark.version': '3.5.0' },
  },
};

// The type says which keys there are.
export const COMPATS = Object.keys(PROFILES) as readonly Compat[];

export const STRING: ParquetType = { physical: 'BYTE_ARRAY', logical: { kind: 'string' } };

/**
 * What a column of this type becomes for the reader: text in place of what it refuses, signed integers of twice the width
 * in place of unsigned ones. The same object where nothing changes.
 */
export function compatibleType(type: ParquetType, compat: Compat | undefined): ParquetType {
  if (compat === undefined) return type;
  if (PROFILES[compat].refuses(type)) return STRING;
  const { logical } = type;
  if (logical?.kind !== 'integer' || logical.signed) return type;
  // Of 32 bits and more there is none: the physical type would have to grow too.
  const bitWidth = logical.bitWidth === 8 ? 16 : 32;
  return { ...type, logical: { kind: 'integer', bitWidth, signed: true } };
}

/** Profiles of the readers that open no table with this column. */
export function refusedBy({ type }: ColumnSpec): readonly Compat[] {
  return COMPATS.filter((compat) => PROFILES[compat].refuses(type));
}

/** The reader's name, for people. */
export function readerOf(compat: Compat): string {
  return PROFILES[compat].reader;
}

/** What the footer of a file for this reader holds besides. */
export function compatFooter(compat: Compat | undefined): Readonly<Record<string, string>> {
  return compat === undefined ? {} : PROFILES[compat].footer;
}
