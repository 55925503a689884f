import type { StagedPart } from '../../storage/storage.js';
import type { SliceOutcome } from './slice-outcome.js';

/** What an earlier attempt of the run has staged of a table: it need not be read again. */
export interface RecoveredSlices {
  /** By the slice's index. */
  readonly outcomes: ReadonlyMap<number, SliceOutcome>;
  /** Parts that even have their final names. */
  readonly published: ReadonlySet<StagedPart>;
}
