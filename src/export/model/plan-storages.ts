import type { Storage } from '../../storage/storage.js';

/** Storages as the planner needs them. */
export interface PlanStorages {
  /** Where tables go that no route takes. */
  readonly defaultId: string;
  /** Opens the storage at the first call. */
  open(id: string): Promise<Storage>;
  /** The same text for the same place, by whichever of the open storages it is reached. */
  place(id: string, directory: string): string;
}
