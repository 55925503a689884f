/** What was compared. Stable, for scripts. */
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
  | 'unknown_file';

/** Something that is not as it should be. */
export interface Difference {
  readonly check: Check;
  /** Of the file or directory, for messages. */
  readonly path: string;
  readonly expected: string | number;
  readonly found: string | number;
}
