import type { Codec } from './codec.js';

/** Options of Parquet files, passed as a whole from the command line to the writer. */
export interface FileOptions {
  readonly codec: Codec;
  /** Maximum rows per row group. */
  readonly rowGroupRows: number;
  /** Maximum rows per file; unlimited by default. */
  readonly maxRowsPerFile?: number | undefined;
  /** Key-value pairs of the footer besides the writer's own. */
  readonly footer?: Readonly<Record<string, string>> | undefined;
}
