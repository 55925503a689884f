import type { AuthFile } from '../../auth/auth-file.js';
import type { Redactor } from '../../auth/redaction.js';
import { EXIT_CODES, LakeportError } from '../../errors.js';
import type { ExportRequest, SourceDatabase } from '../../export/export.js';
import { withinGrace } from '../../runtime/interruption.js';
import type { ExportOptions } from '../../export/model/options.js';
import type { RunPlan } from '../../export/model/plan.js';
import type { RunResult } from '../../export/model/result.js';
import { resumeCommand } from '../run-history/command-text.js';
import type { CliContext } from '../context.js';
import type { RunRecording } from '../run-history/run-recording.js';
import { writeDocument } from '../reports/failure.js';
import { type LogFlags, logTarget, openRunLogFromFlags } from '../flags/runlog-flags.js';
import type { WorkerSettings } from '../flags/worker-settings.js';
import { combineObservers } from '../logging/combine-observers.js';
import { isWorthResuming, type UnfinishedError } from '../run-history/resume-offer.js';
import { sourceDocument } from '../../export/model/source-document.js';
import { runDocument } from '../reports/run-json.js';
import type { Session } from '../session.js';

export interface ExportRunOptions {
  readonly options: ExportOptions;
  readonly auth: AuthFile;
  readonly log: LogFlags;
  /** Undefined if the run is not logged. Closed here. */
  readonly record: RunRecording | undefined;
  readonly session: Session;
  readonly context: CliContext;
  readonly json: boolean;
  readonly quiet: boolean;
  /** Leaves slices to workers in other processes; undefined for threads of this one. */
  readonly workers?: WorkerSettings | undefined;
}

/**
 * Exports and shows the result.
 * @returns the exit code
 * @throws LakeportError if there is no result
 */
export async function executeExport(run: ExportRunOptions): Promise<number> {
  const { options, record, session, context, json, quiet } = run;
  let server: RunPlan['server'] | undefined;
  const result = await recordedRun(run, (plan) => (server = plan.server));
  session.stop();
  const resume = result.exit === undefined ? undefined : wayToResume(run, unfinishedIn(result, context.signal));
  if (resume !== undefined) session.log.write('INFO', `To finish this run: ${resume}`, { event: 'resumable' });
  const exitCode = context.log.exitCode(result.exit === undefined ? 0 : EXIT_CODES[result.exit]);
  if (json) {
    const { warnings } = session;
    const about = {
      ...options,
      exitCode,
      source: sourceDocument(options.sourceId, server),
      runLog: record?.address,
      syncId: record?.syncId,
      resume,
      warnings,
    };
    const document = runDocument(result, about);
    writeDocument(document, context);
  } else if (!quiet) {
    const { summaryText } = await import('../reports/summary.js');
    const text = summaryText(result, { output: context.stdout, target: options.target, resume });
    context.stdout.write(context.redactor.redact(text));
  }
  return exitCode;
}

/** Names of the user's schemas, tables and columns are not secret. */
export function publicNames(plan: RunPlan, redactor: Redactor): void {
  const leftOut = plan.leftOut.map(({ table }) => table);
  for (const { id } of [...plan.tables, ...plan.problems, ...plan.skipped, ...leftOut]) {
    redactor.addPublic(id.schema);
    redactor.addPublic(id.name);
  }
  for (const { columns } of plan.tables) for (const { spec } of columns) redactor.addPublic(spec.name);
}

/** When this settles, the log has the whole run, however it ended. */
async function recordedRun(run: ExportRunOptions, onPlan: (plan: RunPlan) => void): Promise<RunResult> {
  const { options, auth, record, session, context } = run;
  let error: LakeportError;
  try {
    const { runExport } = await import('../../export/export.js');
    const planned = (plan: RunPlan) => {
      publicNames(plan, context.redactor);
      onPlan(plan);
    };
    const { signal } = context;
    const fleet = await openFleet(run);
    const observer = combineObservers({ planned }, session.observer, record?.observer ?? {}, fleet?.observer ?? {});
    // The annotation checks the names: a spread would accept one that the request does not have.
    const hooks: Partial<ExportRequest> | undefined = record && {
      recordedOverrides: (of: SourceDatabase) => record.tableSettings(of),
      loggedSync: (table, place) => record.lastSync(table, place),
      beforeWriting: (plan: RunPlan) => record.beforeWriting(plan),
      previous: fleet?.previous ?? record.earlier,
    };
    // Even if something hangs, the log must record the end of the run.
    const readers = { openPool: fleet?.openPool, cores: fleet?.cores, keepers: fleet?.keepers };
    const request = { options, auth, observer, signal, ...hooks, ...readers };
    try {
      return await withinGrace(signal, runExport(request), 'run');
    } finally {
      await fleet?.close();
    }
  } catch (thrown) {
    error = LakeportError.from(thrown);
    await record?.failed(error);
  } finally {
    await record?.close();
  }
  // Only a closed log knows whether it is complete.
  if (error.exit === 'usage' || error.exit === 'in-use') throw error;
  throw withHint(error, wayToResume(run, [error]));
}

/** @throws LakeportError if slices cannot be left to workers here */
async function openFleet({ workers, record, options, auth, log, session, context }: ExportRunOptions) {
  if (workers === undefined) return undefined;
  const { Fleet } = await import('../../fleet/fleet.js');
  // Without a record there is no log that anybody else reads.
  const entryId = record === undefined ? undefined : log.entryId;
  const target = await logTarget({ entryId }, { auth, context });
  return Fleet.open({
    ...workers,
    runId: options.runId,
    parallel: options.parallel,
    // A connection of its own: the record's is busy with the record.
    log: await openRunLogFromFlags({ entryId, mode: 'preserve' }, { auth, context }),
    target,
    previous: record?.earlier,
    observer: session.observer,
  });
}

/** Errors of the tables that were not published, and of a run that another process has taken over. */
function unfinishedIn(result: RunResult, signal: AbortSignal): (UnfinishedError | undefined)[] {
  const tables = result.tables.filter(({ state }) => state !== 'completed');
  const reason = signal.aborted && signal.reason instanceof LakeportError ? [signal.reason] : [];
  const taken = reason.filter(({ code }) => code === 'RUN_TAKEN');
  const undescribed = result.metadata !== undefined && 'error' in result.metadata ? [result.metadata.error] : [];
  return [...tables.map(({ error }) => error), ...undescribed, ...taken];
}

/** The command that finishes the run, if it can be resumed. */
function wayToResume(
  { record, options, auth, log }: ExportRunOptions,
  unfinished: readonly (UnfinishedError | undefined)[],
): string | undefined {
  if (record?.isResumable !== true || !isWorthResuming(unfinished, options)) return undefined;
  return resumeCommand({ runId: options.runId, authFile: auth.path, logEntryId: log.entryId });
}

function withHint(error: LakeportError, resume: string | undefined): LakeportError {
  if (resume === undefined) return error;
  const hint = `${error.hint === undefined ? '' : `${error.hint} `}To finish this run: ${resume}`;
  const told = new LakeportError({ ...error.toData(), hint, cause: error.cause });
  if (error.stack !== undefined) told.stack = error.stack;
  return told;
}
