import type { ErrorCode, ErrorContext } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';

/** A kind of error. `message` replaces the server's own text where that says less. */
export interface ErrorKind {
  readonly code: ErrorCode;
  readonly message?: string;
  readonly hint?: string;
  /** Whether the error is transient and worth a retry. */
  readonly transient?: boolean;
}

/** Where an error of a driver or server occurred. */
export interface ErrorPlace {
  /** Id of the auth file's entry. */
  readonly entry?: string | undefined;
  readonly table?: TableId | undefined;
  readonly slice?: number | undefined;
}

/** @param detail the driver's or server's own error code */
export function errorContext({ entry, table, slice }: ErrorPlace, detail: string | undefined): ErrorContext {
  return {
    ...(entry !== undefined && { entry }),
    ...(table && { table: tableName(table) }),
    ...(slice !== undefined && { slice }),
    ...(detail !== undefined && { detail }),
  };
}
