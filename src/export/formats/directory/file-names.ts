/** Names of the files that lakeport writes to a table's directory, and the only ones that it ever removes. */

import { joinPath } from '../../../storage/path.js';
import type { SlicePosition } from '../table-format.js';

/** Name of a manifest inside the directory. */
export const MANIFEST_NAME = '_manifest.json';
export const SUCCESS_NAME = '_SUCCESS';

/** Name of a published part. Numbers count from 0 over the whole table. */
export function partName(part: number): string {
  return `part-${number(part)}.parquet`;
}

/** See `TableFormat.fileNames`. */
export function fileNames(directories: readonly string[]): string[] {
  return directories.map((directory, index) => joinPath(directory, partName(index)));
}

/** See `TableFormat.stagedName`. */
export function stagedName(from: SlicePosition, file: number): string {
  if (from.isOnlySlice) return partName(file);
  return file === 0 ? partName(from.slice.index) : `part-${number(from.slice.index)}-${number(file)}.parquet`;
}

/**
 * Whether the path, relative to a table's directory, is one of lakeport's own files: directly there, or in
 * Hive-style directories, which no table's name can look like.
 */
export function isOwnPart(relative: string): boolean {
  return /^([^/]+=[^/]+\/)*part-\d{5,}\.parquet$/.test(relative);
}

function number(value: number): string {
  return String(value).padStart(5, '0');
}
