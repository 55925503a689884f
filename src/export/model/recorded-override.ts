/** A user's own settings for a table, from `partition_columns`. Not checked yet: the method may be any text. */
export interface RecordedOverride {
  /** Undefined for a table of this name in any schema. */
  readonly schema: string | undefined;
  readonly table: string;
  readonly method: string | undefined;
  readonly degree: number | undefined;
  /** A column, or an expression in the source's SQL. */
  readonly key: string | undefined;
}
