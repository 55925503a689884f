import type { DisplayPath } from '../../model/display-path.js';
import type { DdlDialect } from './ddl-dialect.js';

/** Files with statements that make a table queryable, by dialect. */
export type DdlFiles = Readonly<Partial<Record<DdlDialect, DisplayPath>>>;

/** Where one table goes. */
export interface TableDestination {
  readonly storageId: string;
  /** Relative to the storage's base. */
  readonly directory: string;
  readonly displayPath: DisplayPath;
  /** Of its manifest; undefined if the table gets none. */
  readonly manifest: DisplayPath | undefined;
  readonly ddl?: DdlFiles | undefined;
}
