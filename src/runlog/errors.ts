import { LakeportError } from '../errors.js';
import type { LogDialect } from '../sources/run-log-dialect.js';

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

export function idTaken(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_ID_EXISTS',
    message: `The run log has a run ${runId} already`,
    hint: 'Leave --run-id out for a new id; --resume finishes an earlier run.',
    context: { detail: '--run-id' },
  });
}

export function runUnknown(runId: string, address: string): LakeportError {
  return new LakeportError({
    code: 'RUN_UNKNOWN',
    message: `The run log ${address} has no run ${runId}`,
    hint: 'lakeport runs lists the runs; with --log-db-auth-id it looks into the log of that entry.',
  });
}

/** @param runIds those that begin so */
export function idAmbiguous(prefix: string, runIds: readonly string[]): LakeportError {
  return new LakeportError({
    code: 'RUN_ID_AMBIGUOUS',
    message: `More than one run begins with ${prefix}: ${runIds.join(', ')}`,
    hint: 'Give more of the id.',
  });
}

export function runFinished(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_FINISHED',
    message: `Run ${runId} is complete: there is nothing to resume`,
    hint: 'Export again without --resume.',
  });
}

/** @param where the process that holds it, for people; undefined where the log does not tell */
export function runHeld(runId: string, where: string | undefined): LakeportError {
  return new LakeportError({
    code: 'RUN_HELD',
    message: `Run ${runId} is in progress${where === undefined ? '' : `, in ${where}`}`,
    hint: 'Wait for its end; after a crash on another machine it can be resumed a minute later.',
  });
}

export function logInUse(runId: string, mode: string): LakeportError {
  return new LakeportError({
    code: 'RUN_LOG_IN_USE',
    message: `--log-db-mode ${mode} would remove run ${runId} from the log, which is in progress`,
    hint: 'Wait for its end, or give this run a log of its own by --log-db-auth-id.',
  });
}
