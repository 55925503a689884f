import { deletedName, stagedName } from './directory/file-names.js';
import type { TableFormat } from './table-format.js';

/** What readers need of a run's format. Apart from the rest of it, which each reader's thread would load otherwise. */
export type StagedNaming = Pick<TableFormat, 'stagedName' | 'deletedName'>;

/** All formats there are name staged files alike. */
export function stagedNaming(): StagedNaming {
  return { stagedName, deletedName };
}
