/** What the user says about the tables whose names match a pattern. Plain data, stored in the run's record. */
export interface TableSetting<T> {
  /** A LIKE pattern for table names, or for `schema.table`. */
  readonly pattern: string;
  readonly value: T;
}
