import type { TableId } from '../model/table.js';

/** Which columns of a table a run exports; asked by an engine as soon as it knows their names. */
export interface ColumnChoice {
  /**
   * Those of the names that are exported.
   * @throws LakeportError if none is left
   */
  take(table: TableId, names: readonly string[]): ReadonlySet<string>;
  /** Whether columns that the user may not read are left out, instead of failing the table. */
  readonly skipsUnreadable: boolean;
}

/** Every column. */
export const ALL_COLUMNS: ColumnChoice = { take: (_, names) => new Set(names), skipsUnreadable: false };
