import type { LakeportError } from '../../errors.js';
import type { TableId } from '../../model/table.js';
import { isSameMoment, type Snapshot } from '../../sources/source.js';
import type { RunPlan, TablePlan } from '../model/plan.js';

/** The snapshot all readers share; replaced when the source loses it. */
export interface SharedSnapshot {
  /** Of the session that holds it now. */
  readonly current: Snapshot;
  /**
   * Asks the source whether it still holds the snapshot and all locks, at some point after the call. A lost one that
   * others hold is taken over from them first: it has then been held all the time.
   */
  isHeld(): Promise<boolean>;
  /** Whether it is being taken over: nobody can join the session of `current`. */
  readonly isTakingOver?: boolean;
  /** Registers a listener for when the source itself notices that the snapshot is lost. */
  onLost?(listener: () => void): void;
  /**
   * Takes another snapshot and plans these tables from it.
   * @throws LakeportError if the run must not use a second snapshot, or the source is unreachable
   */
  renew(tables: readonly TableId[]): Promise<Renewal>;
}

export interface Renewal {
  readonly plan: RunPlan;
  /** By table key, each with its `snapshot` and `consistency`. */
  readonly tables: ReadonlyMap<string, TablePlan>;
  /** Tables that can no longer be read, by table key. */
  readonly problems: ReadonlyMap<string, LakeportError>;
}

/** A snapshot by the session that holds it now, if that is the run's. */
export function asHeldNow(snapshot: Snapshot, { current }: Pick<SharedSnapshot, 'current'>): Snapshot {
  return isSameMoment(snapshot, current) ? current : snapshot;
}
