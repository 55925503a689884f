import type { DisplayPath } from '../../model/display-path.js';
import { directoryOf, joinPath, nameOf } from '../../storage/path.js';
import { MANIFEST_NAME } from './part-names.js';

/**
 * Where a table's manifest is: beside its directory, so the directory holds only Parquet and the empty `_SUCCESS` and
 * every reader can take it as a whole; inside it; or nowhere.
 */
export type ManifestPlace = 'beside' | 'inside' | 'none';

export const MANIFEST_PLACES: readonly ManifestPlace[] = ['beside', 'inside', 'none'];

/** For recorded runs that predate the option: there was no other place then. */
export const FORMER_MANIFEST_PLACE: ManifestPlace = 'inside';

/**
 * Path of the manifest of the table in this directory; undefined for none. The underscore tells it apart from tables'
 * directories, which never start with one, and makes readers of the schema's directory skip it.
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
  readonly displayPath: DisplayPath;
}
