import type { DisplayPath } from '../../model/display-path.js';

/** Where one table goes. */
export interface TableDestination {
  readonly storageId: string;
  /** Relative to the storage's base. */
  readonly directory: string;
  readonly displayPath: DisplayPath;
  /** Of its manifest; undefined if the table gets none. */
  readonly manifest: DisplayPath | undefined;
}
