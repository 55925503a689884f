/** A table override from `partition_columns`, not validated yet: the method may be any text. */
export interface RecordedOverride {
  /** Undefined matches the table in any schema. */
  readonly schema: string | undefined;
  readonly table: string;
  readonly method: string | undefined;
  readonly degree: number | undefined;
  /** A column, or an expression in the source's SQL. */
  readonly key: string | undefined;
}
