import type { Codec } from './codec.js';

/** What Parquet files are like: travels whole from the command line to the writer. */
export interface FileOptions {
  readonly codec: Codec;
  /** Most rows of a row group. */
  readonly rowGroupRows: number;
  /** Most rows of a file; without it there is no end. */
  readonly maxRowsPerFile?: number | undefined;
  /** Key-value pairs of the footer besides the writer's own. */
  readonly footer?: Readonly<Record<string, string>> | undefined;
}
