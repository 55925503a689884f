import { ERROR_CODES, type ErrorCode, type ErrorEntry, type ExitClass, isErrorCode } from './error-codes/index.js';

export type { ErrorCode, ExitClass, StorePrefix } from './error-codes/index.js';

/**
 * The one error type of the program. It is thrown where the cause is known and shown once, at the top.
 */

/** Exit code of each class, as documented for shells and schedulers. */
export const EXIT_CODES: Readonly<Record<ExitClass, number>> = {
  unexpected: 1,
  usage: 2,
  'tables-failed': 3,
  unreachable: 4,
  unrepresentable: 5,
  'in-use': 6,
  // 128 and the signal's number, as of SIGHUP, SIGINT and SIGTERM.
  'hung-up': 129,
  interrupted: 130,
  terminated: 143,
};

/** Where an error happened. Never holds secrets or values of rows. */
export interface ErrorContext {
  readonly table?: string;
  readonly column?: string;
  readonly slice?: number;
  /** Where in the database the row lies, e.g. `ctid (0,2) of public.t`. */
  readonly row?: string;
  readonly path?: string;
  /** Id of the auth file's entry. */
  readonly entry?: string;
  /** Auth file's field, flag, SQLSTATE, errno …: whatever names the place in the other program's own words. */
  readonly detail?: string;
}

export interface LakeportErrorOptions {
  readonly code: ErrorCode;
  /** The catalog's, unless it is given: only where it is another one than usual for the code. */
  readonly exit?: ExitClass | undefined;
  /** One clear sentence without a trailing hint. */
  readonly message: string;
  /** The way out: names the flag, the grant or the setting that helps. */
  readonly hint?: string | undefined;
  readonly context?: ErrorContext | undefined;
  readonly cause?: unknown;
  /** Whether the same attempt may succeed later: lost connection, throttling, deadlock. The catalog's unless it is given. */
  readonly transient?: boolean | undefined;
}

/** A `LakeportError` as plain data: it crosses threads and goes into JSON results and the run log. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly exit: ExitClass;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly context?: ErrorContext | undefined;
  readonly transient?: boolean | undefined;
  /** For DEBUG output only. */
  readonly stack?: string | undefined;
}

export class LakeportError extends Error {
  override readonly name = 'LakeportError';
  readonly code: ErrorCode;
  readonly exit: ExitClass;
  readonly hint: string | undefined;
  readonly context: ErrorContext;
  readonly transient: boolean;

  constructor(options: LakeportErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    const entry = entryOf(options.code);
    this.exit = options.exit ?? entry?.exit ?? 'tables-failed';
    this.hint = options.hint;
    this.context = options.context ?? {};
    this.transient = options.transient ?? entry?.passes === 'yes';
  }

  /** The same error with more context; what is there already wins. */
  within(context: ErrorContext): LakeportError {
    const error = new LakeportError({ ...this.toData(), context: { ...context, ...this.context }, cause: this.cause });
    if (this.stack !== undefined) error.stack = this.stack;
    return error;
  }

  toData(): ErrorData {
    const { code, exit, message, hint, context, transient, stack } = this;
    return { code, exit, message, hint, context, transient, stack };
  }

  static fromData(data: ErrorData): LakeportError {
    const error = new LakeportError(data);
    if (data.stack !== undefined) error.stack = data.stack;
    return error;
  }

  /** Any thrown value as a `LakeportError`; what is not one already is an unexpected failure, with itself as the cause. */
  static from(thrown: unknown): LakeportError {
    if (thrown instanceof LakeportError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    if (thrown instanceof Error && 'syscall' in thrown && thrown.syscall === 'uv_cwd') return noDirectory(thrown);
    return new LakeportError({ code: 'UNEXPECTED', message, cause: thrown });
  }
}

/** Undefined for a code from a record of another version, which this one's catalog does not have. */
function entryOf(code: string): ErrorEntry | undefined {
  return isErrorCode(code) ? ERROR_CODES[code] : undefined;
}

/** Whatever needs the working directory fails so where somebody has removed it. */
function noDirectory(cause: Error): LakeportError {
  return new LakeportError({
    code: 'WORKING_DIRECTORY_GONE',
    message: 'The working directory does not exist any more',
    hint: 'Start lakeport in a directory that exists.',
    cause,
  });
}
