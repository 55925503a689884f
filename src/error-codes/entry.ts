/** What an error means for the process's exit code. */
export type ExitClass =
  | 'unexpected'
  | 'usage'
  | 'tables-failed'
  | 'unreachable'
  | 'unrepresentable'
  | 'in-use'
  | 'hung-up'
  | 'interrupted'
  | 'terminated';

/** Properties of all errors with one code. */
export interface ErrorEntry {
  /** Unless the code that throws it says otherwise. */
  readonly exit: ExitClass;
  /** Whether a retry may succeed. `sometimes`: the code that throws it decides. */
  readonly passes: 'yes' | 'no' | 'sometimes';
  /** One line: a sentence without its full stop. */
  readonly meaning: string;
}

type Maker = (meaning: string, options?: { readonly passes: 'yes' | 'sometimes' }) => ErrorEntry;

function maker(exit: ExitClass): Maker {
  return (meaning, { passes } = { passes: 'sometimes' }) => ({ exit, passes, meaning });
}

function permanent(exit: ExitClass): (meaning: string) => ErrorEntry {
  return (meaning) => ({ exit, passes: 'no', meaning });
}

/** A mistake of the user: nothing was done. */
export const usage = permanent('usage');
/** A table fails; the others continue. */
export const tableFails = permanent('tables-failed');
/** A server, store or file cannot be used. */
export const unreachable = permanent('unreachable');
/** A value that Parquet cannot hold. */
export const unrepresentable = permanent('unrepresentable');
/** Someone else holds what is needed. */
export const inUse = permanent('in-use');
/** A fault of the program or its machine. */
export const unexpected = permanent('unexpected');

/** The same kinds, for errors that may be transient. */
export const tableFailsForNow = maker('tables-failed');
export const unreachableForNow = maker('unreachable');

/** Always worth a retry. */
export const PASSES = { passes: 'yes' } as const;
