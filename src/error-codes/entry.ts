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

/** What is true of all errors of one code. */
export interface ErrorEntry {
  /** Where the place that throws it says nothing else. */
  readonly exit: ExitClass;
  /** Whether the same attempt may succeed later. `sometimes`: the place that throws it says so. */
  readonly passes: 'yes' | 'no' | 'sometimes';
  /** One line, as a sentence without its full stop. */
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
/** A table fails; the others go on. */
export const tableFails = permanent('tables-failed');
/** A server, store or file cannot be used. */
export const unreachable = permanent('unreachable');
/** A value that Parquet cannot hold. */
export const unrepresentable = permanent('unrepresentable');
/** Somebody else has what is needed. */
export const inUse = permanent('in-use');
/** A fault of the program, or of its machine. */
export const unexpected = permanent('unexpected');

/** The same kinds, of errors that may pass by themselves. */
export const tableFailsForNow = maker('tables-failed');
export const unreachableForNow = maker('unreachable');

/** Always worth another attempt. */
export const PASSES = { passes: 'yes' } as const;
