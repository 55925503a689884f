import type { TableId } from './table.js';

/** What a source declares about a table besides the types of its columns. Plain data; what there is none of is absent. */
export interface TableMetadata {
  readonly comment?: string | undefined;
  readonly primaryKey?: UniqueKey | undefined;
  readonly uniqueKeys?: readonly UniqueKey[] | undefined;
  readonly foreignKeys?: readonly ForeignKey[] | undefined;
  /** Those that there is something to say about. */
  readonly columns?: readonly ColumnMetadata[] | undefined;
}

/** Columns whose values occur once, save for NULL. */
export interface UniqueKey {
  /** Undefined where the source has none. */
  readonly name?: string | undefined;
  /** In the order of the key. */
  readonly columns: readonly string[];
  /** Whether the source lets columns of a primary key be NULL. */
  readonly mayBeNull?: boolean | undefined;
}

export interface ForeignKey {
  readonly name?: string | undefined;
  readonly columns: readonly string[];
  readonly references: {
    readonly table: TableId;
    /** In the order of `columns`. */
    readonly columns: readonly string[];
  };
  /** Whether the source has made sure that it holds for every row. */
  readonly isValidated: boolean;
}

export interface ColumnMetadata {
  readonly name: string;
  readonly comment?: string | undefined;
  /** An expression in the source's SQL. */
  readonly default?: string | undefined;
}
