import type { ErrorCode, ErrorContext, ExitClass } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';

/** What is known of a kind of error: `message` stands for the server's own where that says less. */
export interface ErrorKind {
  readonly code: ErrorCode;
  readonly exit: ExitClass;
  readonly message?: string;
  readonly hint?: string;
  /** It may pass by itself: worth another attempt. */
  readonly transient?: boolean;
}

/** Where an error of a driver or a server came up. */
export interface ErrorPlace {
  /** Id of the auth file's entry. */
  readonly entry?: string | undefined;
  readonly table?: TableId | undefined;
  readonly slice?: number | undefined;
}

/** @param detail the code that the driver or the server gave to it */
export function errorContext({ entry, table, slice }: ErrorPlace, detail: string | undefined): ErrorContext {
  return {
    ...(entry !== undefined && { entry }),
    ...(table && { table: tableName(table) }),
    ...(slice !== undefined && { slice }),
    ...(detail !== undefined && { detail }),
  };
}
