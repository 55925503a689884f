/** A column by which rows are sorted. Plain data. */
export interface SortColumn {
  readonly column: string;
  readonly descending: boolean;
}
