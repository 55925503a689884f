import type { Codec } from './codec.js';

/** How values are encoded. `compact`: in the smallest way that Parquet has, in data pages v2. */
export const FILE_ENCODINGS = ['plain', 'compact'] as const;

export type FileEncoding = (typeof FILE_ENCODINGS)[number];

/** Options of Parquet files, passed as a whole from the command line to the writer. */
export interface FileOptions {
  readonly codec: Codec;
  /** Within `COMPRESSION_LEVELS`; the codec's usual one by default. */
  readonly compressionLevel?: number | undefined;
  /** Maximum rows per row group. */
  readonly rowGroupRows: number;
  /** Maximum rows per file; unlimited by default. */
  readonly maxRowsPerFile?: number | undefined;
  /** Size at which a file ends, in bytes; unlimited by default. A single row may be larger. */
  readonly maxFileBytes?: number | undefined;
  /** Default: `plain`. */
  readonly encoding?: FileEncoding | undefined;
  /** Encodings that `compact` leaves out, because the reader lacks them. */
  readonly avoidedEncodings?: readonly string[] | undefined;
  /** Key-value pairs of the footer besides the writer's own. */
  readonly footer?: Readonly<Record<string, string>> | undefined;
}

/** Share of absent values that a Bloom filter takes for present: the usual choice of other writers too. */
export const DEFAULT_FALSE_POSITIVES = 0.01;

interface LevelRange {
  readonly least: number;
  readonly most: number;
}

/** Compression levels of each codec; undefined for codecs without any. */
export const COMPRESSION_LEVELS: Readonly<Record<Codec, LevelRange | undefined>> = {
  Zstd: { least: 1, most: 22 },
  Snappy: undefined,
  Gzip: { least: 1, most: 9 },
  Lz4: undefined,
  None: undefined,
};

/** What is wrong with a level for a codec, as a sentence without its subject; undefined for nothing. */
export function levelProblem({
  codec,
  compressionLevel,
}: Pick<FileOptions, 'codec' | 'compressionLevel'>): string | undefined {
  if (compressionLevel === undefined) return undefined;
  const range = COMPRESSION_LEVELS[codec];
  if (range === undefined) return `${codec} has no compression levels; Zstd (1 to 22) and Gzip (1 to 9) do`;
  const { least, most } = range;
  const isWithin = Number.isInteger(compressionLevel) && compressionLevel >= least && compressionLevel <= most;
  return isWithin ? undefined : `${codec} has the compression levels ${least} to ${most}, not ${compressionLevel}`;
}

/** Whether a slice may be written to more than one file. */
export function splitsFiles({ maxRowsPerFile, maxFileBytes }: FileOptions): boolean {
  return maxRowsPerFile !== undefined || maxFileBytes !== undefined;
}
