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

/** Name of a part of a sync, whose parts have numbers of their own. */
function syncedPartName(sync: number, part: number): string {
  return `part-${number(sync)}-${number(part)}.parquet`;
}

/** See `TableFormat.fileNames`. */
export function fileNames(directories: readonly string[], sync?: number): string[] {
  return directories.map((directory, index) =>
    joinPath(directory, sync === undefined ? partName(index) : syncedPartName(sync, index)),
  );
}

/** Directory of the files with keys that the source has no more: hidden from readers of the table's rows. */
const DELETED_DIRECTORY = '_deleted';

/** See `TableFormat.deletedName`. */
export function deletedName(sync: number): string {
  return joinPath(DELETED_DIRECTORY, syncedPartName(sync, 0));
}

/** See `TableFormat.stagedName`. */
export function stagedName({ slice: { index }, isOnlySlice, sync }: SlicePosition, file: number): string {
  const name = (part: number) => (sync === undefined ? partName(part) : syncedPartName(sync, part));
  if (isOnlySlice) return name(file);
  return file === 0 ? name(index) : `${name(index).replace(/\.parquet$/, '')}-${number(file)}.parquet`;
}

/**
 * Whether the path, relative to a table's directory, is one of lakeport's own files: directly there, or in
 * Hive-style directories, which no table's name can look like, or among the deleted keys.
 */
export function isOwnPart(relative: string): boolean {
  return /^(?:_deleted\/|(?:[^/]+=[^/]+\/)*)part-\d{5,}(-\d{5,})?\.parquet$/.test(relative);
}

function number(value: number): string {
  return String(value).padStart(5, '0');
}
