import type { ColumnSummary } from '../../parquet/column-summary.js';
import type { StagedPart } from '../../storage/storage.js';

/** A complete but unpublished file, with data from its footer. */
export interface StagedFile {
  readonly part: StagedPart;
  readonly rows: number;
  readonly rowGroups: readonly { readonly rows: number; readonly bytes: number }[];
  /** In the order of the table's columns; undefined for a file on the record of a version that did not keep them. */
  readonly columns?: readonly ColumnSummary[] | undefined;
}

export interface SliceOutcome {
  /** As counted by the source; equals the sum of the files' rows. */
  readonly rows: number;
  /** Bytes received from the source. */
  readonly bytes: number;
  readonly unrepresentable: Readonly<Record<string, number>>;
  readonly lostBounds?: Readonly<Record<string, number>> | undefined;
  /** In the order of the rows. */
  readonly files: readonly StagedFile[];
}
