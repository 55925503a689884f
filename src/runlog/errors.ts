import { LakeportError } from '../errors.js';
import { shownTime } from '../text/times.js';
import type { SyncLock } from './store/log-store.js';
import type { LogDialect } from '../sources/run-log-dialect.js';

/** Errors of what the log says, and not of its database. */
const OWN_CODES = /^(?:RUN|SYNC)_/;

/** Any failure of the log database, as an error that names the log. Errors of the log itself stay as they are. */
export function logError(thrown: unknown, dialect: LogDialect): LakeportError {
  if (thrown instanceof LakeportError && OWN_CODES.test(thrown.code)) return thrown;
  const { code, reason, hint, detail } = dialect.explain(thrown);
  return new LakeportError({
    code,
    message: `The run log ${dialect.address} cannot be used: ${reason}`,
    hint,
    context: detail === undefined ? {} : { detail },
    cause: thrown,
    // Whatever the cause, it may be fixed while the export continues.
    transient: true,
  });
}

/** The database accepts calls but does not answer. */
export function timedOut(dialect: LogDialect, afterMs: number): LakeportError {
  return new LakeportError({
    code: 'RUN_LOG_TIMEOUT',
    message: `The run log ${dialect.address} cannot be used: no answer within ${afterMs / 1000} s`,
    transient: true,
  });
}

export function idTaken(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_ID_EXISTS',
    message: `The run log already has a run ${runId}`,
    hint: 'Omit --run-id to get a new id, or finish the earlier run with --resume.',
    context: { detail: '--run-id' },
  });
}

export function runUnknown(runId: string, address: string): LakeportError {
  return new LakeportError({
    code: 'RUN_UNKNOWN',
    message: `The run log ${address} has no run ${runId}`,
    hint: 'lakeport runs lists the runs; --log-db-auth-id selects the log of an entry.',
  });
}

/** @param runIds ids with this prefix */
export function idAmbiguous(prefix: string, runIds: readonly string[]): LakeportError {
  return new LakeportError({
    code: 'RUN_ID_AMBIGUOUS',
    message: `Several run ids begin with ${prefix}: ${runIds.join(', ')}`,
    hint: 'Give more characters of the id.',
  });
}

export function runFinished(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_FINISHED',
    message: `Run ${runId} is complete: there is nothing to resume`,
    hint: 'Export again without --resume.',
  });
}

/** @param where the process that owns the run, human-readable; undefined if the log does not say */
export function runHeld(runId: string, where: string | undefined): LakeportError {
  return new LakeportError({
    code: 'RUN_HELD',
    message: `Run ${runId} is in progress${where === undefined ? '' : `, in ${where}`}`,
    hint: 'Wait until it ends. After a crash on another machine, it can be resumed one minute later.',
  });
}

/** @param lock that of the run in progress */
export function syncRunning({
  syncId,
  runId,
  owner,
  lockedAt,
}: Pick<SyncLock, 'syncId' | 'runId' | 'owner' | 'lockedAt'>): LakeportError {
  return new LakeportError({
    code: 'SYNC_RUNNING',
    message: `Sync ${syncId} is in progress since ${shownTime(lockedAt)} UTC${owner === undefined ? '' : `, in ${owner}`} (run ${runId})`,
    hint: 'Wait until it ends. After a crash on another machine, it can be started one minute later; lakeport lxdb locks shows who holds it.',
    context: { detail: runId },
  });
}

export function syncExists(syncId: string): LakeportError {
  return new LakeportError({
    code: 'SYNC_EXISTS',
    message: `The run log already has a sync ${syncId}`,
    hint: 'Give another --sync-id, or --replace to give this one other flags; its runs and watermarks stay.',
    context: { detail: '--sync-id' },
  });
}

export function logInUse(runId: string, mode: string): LakeportError {
  return new LakeportError({
    code: 'RUN_LOG_IN_USE',
    message: `${mode === 'drop' ? 'Dropping' : 'Emptying'} the run log would remove run ${runId}, which is in progress`,
    hint: 'Wait until it ends, or use another log with --log-db-auth-id.',
  });
}
