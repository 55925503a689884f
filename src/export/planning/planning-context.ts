import type { HeldSnapshot, Source } from '../../sources/source.js';
import type { FindLoggedSync } from '../model/logged-sync.js';
import type { RunObserver } from '../model/observer.js';
import type { ExportOptions } from '../model/options.js';
import type { PlanStorages } from '../model/plan-storages.js';
import type { Resumption } from '../resume/resumption.js';
import type { TableOverrides } from './table-overrides.js';

/** What a run is planned with. */
export interface PlanningContext {
  readonly options: ExportOptions;
  readonly source: Source;
  readonly storages: PlanStorages;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
  /** Overrides for individual tables. */
  readonly overrides: TableOverrides;
  /** Whether the plan is to say what the source declares about the tables. */
  readonly withMetadata?: boolean | undefined;
  /** What the run log knows of a table's last sync to this place; undefined if there is no log. */
  readonly loggedSync?: FindLoggedSync | undefined;
  /** Processors of the readers where these are on other machines; otherwise those of this one. */
  readonly cores?: number | undefined;
  readonly keepers?: SnapshotKeepers | undefined;
  /** State left by an earlier attempt of the run. */
  readonly resumption?: Resumption | undefined;
}

/** Sessions of other processes that hold the run's snapshot. */
export interface SnapshotKeepers {
  /** How many connections to the source they have. */
  readonly count: number;
  /** What they, and the process that planned the run before, have told last; it may be held no more. */
  held(): Promise<readonly HeldSnapshot[]>;
}
