import type { StagedPart } from '../../storage/storage.js';

/** A complete, invisible file, with what its footer says. */
export interface StagedFile {
  readonly part: StagedPart;
  readonly rows: number;
  readonly rowGroups: readonly { readonly rows: number; readonly bytes: number }[];
}

export interface SliceOutcome {
  /** As the source counted them; equal to the sum of the files' rows. */
  readonly rows: number;
  /** Bytes that came over the wire. */
  readonly bytes: number;
  readonly unrepresentable: Readonly<Record<string, number>>;
  readonly lostBounds?: Readonly<Record<string, number>> | undefined;
  /** In the order of the rows. */
  readonly files: readonly StagedFile[];
}
