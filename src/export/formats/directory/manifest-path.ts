import { directoryOf, joinPath, nameOf } from '../../../storage/path.js';
import type { ManifestPlace } from '../../model/manifest-place.js';
import { MANIFEST_NAME } from './file-names.js';

/**
 * Path of the manifest of the table in this directory; undefined for none. The underscore sets it apart from tables'
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
