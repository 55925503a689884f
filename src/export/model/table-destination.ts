import type { PlacedManifest } from './manifest-place.js';

/** Where one table goes. */
export interface TableDestination {
  readonly storageId: string;
  /** Relative to the storage's base. */
  readonly directory: string;
  /** For people. */
  readonly displayPath: string;
  /** Undefined for a table that gets none. */
  readonly manifest: PlacedManifest | undefined;
}
