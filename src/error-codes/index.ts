import type { ErrorEntry } from './entry.js';
import { PARQUET_CODES } from './parquet.js';
import { RUN_CODES } from './run.js';
import { SOURCE_CODES } from './source.js';
import { STORAGE_CODES } from './storage.js';
import { AZURE_CODES, GCS_CODES, S3_CODES } from './stores.js';
import { TABLE_CODES } from './table.js';
import { USAGE_CODES } from './usage.js';

export type { ErrorEntry, ExitClass } from './entry.js';
export type { StorePrefix } from './storage.js';

const CODES = {
  ...USAGE_CODES,
  ...SOURCE_CODES,
  ...TABLE_CODES,
  ...RUN_CODES,
  ...STORAGE_CODES,
  ...PARQUET_CODES,
  ...S3_CODES,
  ...GCS_CODES,
  ...AZURE_CODES,
} as const;

/** Stable, upper snake case, for scripts: `AUTH_FILE_NOT_FOUND`. */
export type ErrorCode = keyof typeof CODES;

/** Every error code. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorEntry>> = CODES;

/** The same by heading, for the documentation. */
export const ERROR_GROUPS: Readonly<Record<string, Readonly<Record<string, ErrorEntry>>>> = {
  'Command line and auth file': USAGE_CODES,
  Sources: SOURCE_CODES,
  Tables: TABLE_CODES,
  'Runs and the run log': RUN_CODES,
  'Files and stores': STORAGE_CODES,
  'Parquet files': PARQUET_CODES,
  S3: S3_CODES,
  'Google Cloud Storage': GCS_CODES,
  Azure: AZURE_CODES,
};

/** Where a code is documented. */
export function errorAnchor(code: ErrorCode): string {
  return `docs/errors.md#${code.toLowerCase()}`;
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
