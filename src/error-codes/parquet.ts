import { tableFails, usage } from './entry.js';

/** Files that are inspected or verified. */
export const PARQUET_CODES = {
  FILE_NOT_FOUND: usage('There is no file or directory of this name'),
  FILE_CHANGED: tableFails('A file changed or disappeared while it was read'),
  NO_MANIFEST: usage('There is no manifest of lakeport at the path that is to be verified'),
  NOT_PARQUET: usage('The file is empty, or is not a Parquet file'),
  ONE_FILE: usage('The path of exactly one file must be given'),
  PARQUET_DAMAGED: tableFails('The footer or a page of a Parquet file cannot be what was written'),
  PARQUET_ENCRYPTED: usage('The footer of the Parquet file is encrypted'),
  PARQUET_NOT_SUPPORTED: usage('The values of the Parquet file are written in a way that cannot be read'),
  PARQUET_TRUNCATED: tableFails('The Parquet file has no end: it was cut, or is still being written'),
} as const;
