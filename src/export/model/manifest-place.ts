import { directoryOf, joinPath, nameOf } from '../../storage/path.js';
import { MANIFEST_NAME } from './part-names.js';

/**
 * Where a table's manifest lies: beside its directory, so that the directory holds nothing but Parquet and the empty
 * `_SUCCESS`, which every reader takes as a whole; in it; or nowhere.
 */
export type ManifestPlace = 'beside' | 'inside' | 'none';

export const MANIFEST_PLACES: readonly ManifestPlace[] = ['beside', 'inside', 'none'];

/** Of runs on record that say nothing of it: there was no other place when they began. */
export const FORMER_MANIFEST_PLACE: ManifestPlace = 'inside';

/**
 * Path of the manifest of the table with this directory; undefined for none. The underscore keeps the name apart from
 * all tables' directories, whose names never begin with one, and makes readers skip it who are given the schema's.
 */
export function manifestPath(directory: string, place: ManifestPlace): string | undefined {
  switch (place) {
    case 'beside':
      return joinPath(directoryOf(directory), `_${nameOf(directory)}.manifest.json`);
    case 'inside':
      return joinPath(directory, MANIFEST_NAME);
    case 'none':
      return undefined;
    default:
      return place satisfies never;
  }
}
/** Where a table's manifest goes. */

export interface PlacedManifest {
  /** Relative to the storage's base. */
  readonly path: string;
  /** For people. */
  readonly displayPath: string;
}
