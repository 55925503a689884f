import type { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';
import type { Snapshot } from '../../sources/source.js';
import type { RunPlan, TablePlan } from '../model/plan.js';

/** The snapshot that all readers share, as long as the source holds it, and another one when it does not any more. */
export interface SharedSnapshot {
  readonly current: Snapshot;
  /** Asks the source: true where it holds the snapshot, and all locks, at some moment after the call. */
  isHeld(): Promise<boolean>;
  /** The listener is called as soon as the source knows by itself that the snapshot is lost. */
  onLost?(listener: () => void): void;
  /**
   * Takes another snapshot and plans these tables as it shows them.
   * @throws LakeportError where the run must not have a second one, or the source can't be reached any more
   */
  renew(tables: readonly TableId[]): Promise<Renewal>;
}

export interface Renewal {
  readonly plan: RunPlan;
  /** Each with its `snapshot` and `consistency`, by the tables' keys. */
  readonly tables: ReadonlyMap<string, TablePlan>;
  /** Tables that can't be read any more, by the tables' keys. */
  readonly problems: ReadonlyMap<string, LakeportError>;
}
