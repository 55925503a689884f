import type { StagedPart } from '../../storage/storage.js';
import type { SliceOutcome } from './slice-outcome.js';

/** Slices of a table that an earlier attempt of the run has staged; they need not be read again. */
export interface RecoveredSlices {
  /** By the slice's index. */
  readonly outcomes: ReadonlyMap<number, SliceOutcome>;
  /** Files that already have their final names. */
  readonly published: ReadonlySet<StagedPart>;
}
