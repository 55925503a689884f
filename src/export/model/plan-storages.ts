import type { Storage } from '../../storage/storage.js';

/** The storages of a run, as the planner uses them. */
export interface PlanStorages {
  /** Where tables without a matching route go. */
  readonly defaultId: string;
  /** Opens the storage on the first call. */
  open(id: string): Promise<Storage>;
  /** The same text for the same location, whichever open storage it is reached through. */
  place(id: string, directory: string): string;
}
