import type { AddedContent } from '../../columns/column-spec.js';
import type { Sample } from '../../model/dataset.js';
import type { TableId } from '../../model/table.js';
import type { TableSetting } from './table-setting.js';

/** A query that is exported under a name of its own. */
export interface NamedQuery {
  /** Its schema may be empty. */
  readonly id: TableId;
  /** One SELECT in the source's own SQL, without a semicolon at its end. */
  readonly sql: string;
}

/** What a column that the source does not have holds in every row. */
export type AddedValue =
  { readonly kind: Exclude<AddedContent, 'constant'> } | { readonly kind: 'constant'; readonly text: string };

export interface AddedColumn {
  readonly name: string;
  readonly value: AddedValue;
}

/** What is exported of the tables that are selected, and beside them. */
export interface RequestedData {
  readonly queries?: readonly NamedQuery[] | undefined;
  /** Read from files. */
  readonly queryFiles?: readonly NamedQuery[] | undefined;
  /** LIKE patterns of the columns to export of a table; all where there are none. */
  readonly columns?: readonly TableSetting<readonly string[]>[] | undefined;
  /** LIKE patterns of columns to leave out. */
  readonly excludedColumns?: readonly TableSetting<readonly string[]>[] | undefined;
  /** Leaves out columns that the user may not read, instead of failing the table. */
  readonly skipUnreadableColumns?: boolean | undefined;
  /** Conditions in the source's own SQL; a table's rows meet all of them. */
  readonly where?: readonly TableSetting<string>[] | undefined;
  /** The first that matches a table counts. */
  readonly samples?: readonly TableSetting<Sample>[] | undefined;
  /** Columns with one value each, added to every table. */
  readonly addedColumns?: readonly AddedColumn[] | undefined;
}
