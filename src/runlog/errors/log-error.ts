import { LakeportError } from '../../errors.js';
import type { LogDialect } from '../../sources/run-log-dialect.js';

/** Any failure of the log database as an error that names the log. What is an error of the log already stays it. */
export function logError(thrown: unknown, dialect: LogDialect): LakeportError {
  if (thrown instanceof LakeportError && thrown.code.startsWith('RUN_')) return thrown;
  const { code, reason, hint, detail } = dialect.explain(thrown);
  return new LakeportError({
    code,
    exit: 'unreachable',
    message: `The run log ${dialect.address} cannot be used: ${reason}`,
    hint,
    context: detail === undefined ? {} : { detail },
    cause: thrown,
    // Whatever it is, somebody may put it right while the export goes on.
    transient: true,
  });
}

/** The database accepts calls and does not answer them. */
export function timedOut(dialect: LogDialect, afterMs: number): LakeportError {
  return new LakeportError({
    code: 'RUN_LOG_TIMEOUT',
    exit: 'unreachable',
    message: `The run log ${dialect.address} cannot be used: no answer within ${afterMs / 1000} s`,
    transient: true,
  });
}
