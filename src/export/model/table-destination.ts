import type { DisplayPath } from '../../model/display-path.js';
import type { PlacedManifest } from './manifest-place.js';

/** Where one table goes. */
export interface TableDestination {
  readonly storageId: string;
  /** Relative to the storage's base. */
  readonly directory: string;
  readonly displayPath: DisplayPath;
  /** Undefined if the table gets none. */
  readonly manifest: PlacedManifest | undefined;
}
