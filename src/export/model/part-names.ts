/** Names of files in a table's directory: those that this program writes, and the only ones that it ever removes. */

/** Of a manifest inside the directory. */
export const MANIFEST_NAME = '_manifest.json';
export const SUCCESS_NAME = '_SUCCESS';

/** Name of a published part. Numbers count from 0 over the whole table. */
export function partName(part: number): string {
  return `part-${number(part)}.parquet`;
}

/**
 * The name that a slice's file is staged for: as often as it can be known, the one that it will be published by, which
 * spares a copy to stores that can't rename.
 */
export function stagedName(
  from: { readonly slice: { readonly index: number }; readonly isOnlySlice: boolean },
  file: number,
) {
  if (from.isOnlySlice) return partName(file);
  return file === 0 ? partName(from.slice.index) : `part-${number(from.slice.index)}-${number(file)}.parquet`;
}

/**
 * Whether the path, relative to a table's directory, is that of a part that this program may have published: directly
 * there, or in directories of a time partition.
 */
export function isOwnPart(relative: string): boolean {
  return /^((year|month|day|week)=(\d+|__HIVE_DEFAULT_PARTITION__)\/)*part-\d{5,}\.parquet$/.test(relative);
}

function number(value: number): string {
  return String(value).padStart(5, '0');
}
