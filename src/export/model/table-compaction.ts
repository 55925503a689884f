/** What merging the files of a table does to its rows. */
export interface MergeCounts {
  /** That the table has afterwards. */
  readonly rows: number;
  /** Rows that were not the last of their keys. */
  readonly supersededRows: number;
  /** Keys whose rows were left out as the source has them no more; undefined if they were not looked for. */
  readonly deletedKeys?: number | undefined;
  /** Keys of the source that no row has; undefined if they were not looked for. */
  readonly missingKeys?: number | undefined;
}

/** How the files of a table were merged into one row for each key. Plain data. */
export interface TableCompaction extends MergeCounts {
  /** Of its publication; see `TableSync.number`. */
  readonly number: number;
  /** Those that were written. */
  readonly files: number;
  /** Those that stayed, as all of their rows did. */
  readonly stayingFiles: number;
  readonly bytes: number;
  readonly seconds: number;
}
