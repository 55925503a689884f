import { LakeportError } from '../../errors.js';

/** What a run log refuses, whichever database it is in. */

export function idTaken(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_ID_EXISTS',
    exit: 'usage',
    message: `The run log has a run ${runId} already`,
    hint: 'Leave --run-id out for a new id; --resume finishes an earlier run.',
    context: { detail: '--run-id' },
  });
}

export function runUnknown(runId: string, address: string): LakeportError {
  return new LakeportError({
    code: 'RUN_UNKNOWN',
    exit: 'usage',
    message: `The run log ${address} has no run ${runId}`,
    hint: 'lakeport runs lists the runs; with --log-db-auth-id it looks into the log of that entry.',
  });
}

/** @param runIds those that begin so */
export function idAmbiguous(prefix: string, runIds: readonly string[]): LakeportError {
  return new LakeportError({
    code: 'RUN_ID_AMBIGUOUS',
    exit: 'usage',
    message: `More than one run begins with ${prefix}: ${runIds.join(', ')}`,
    hint: 'Give more of the id.',
  });
}

export function runFinished(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_FINISHED',
    exit: 'usage',
    message: `Run ${runId} is complete: there is nothing to resume`,
    hint: 'Export again without --resume.',
  });
}

/** @param where the process that holds it, for people; undefined where the log does not tell */
export function runHeld(runId: string, where: string | undefined): LakeportError {
  return new LakeportError({
    code: 'RUN_HELD',
    exit: 'in-use',
    message: `Run ${runId} is in progress${where === undefined ? '' : `, in ${where}`}`,
    hint: 'Wait for its end; after a crash on another machine it can be resumed a minute later.',
  });
}

export function logInUse(runId: string, mode: string): LakeportError {
  return new LakeportError({
    code: 'RUN_LOG_IN_USE',
    exit: 'in-use',
    message: `--log-db-mode ${mode} would remove run ${runId} from the log, which is in progress`,
    hint: 'Wait for its end, or give this run a log of its own by --log-db-auth-id.',
  });
}
