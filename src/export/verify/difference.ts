/** What was compared. Stable, for scripts. Those that begin with `source` are comparisons with the database. */
export type Check =
  | 'manifest'
  | 'run'
  | 'complete'
  | 'exists'
  | 'bytes'
  | 'sha256'
  | 'footer'
  | 'rows'
  | 'row_groups'
  | 'columns'
  | 'values'
  | 'nulls'
  | 'min'
  | 'max'
  | 'pages'
  | 'page_index'
  | 'bloom_filter'
  | 'unknown_file'
  | 'source'
  | 'source_rows'
  | 'source_nulls'
  | 'source_min'
  | 'source_max'
  | 'source_sum'
  | 'source_hash';

/** Something that is not as it should be. */
export interface Difference {
  readonly check: Check;
  /** Of the file or directory, for messages. */
  readonly path: string;
  readonly expected: string | number;
  readonly found: string | number;
}
