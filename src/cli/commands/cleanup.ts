import { randomUUID } from 'node:crypto';

import { readAuthFile } from '../../auth-file.js';
import type { RunLog, RunRecord } from '../../runlog/index.js';
import { printable } from '../../text/printable.js';
import { count, counted } from '../../text/quantities.js';
import { shownTime } from '../../text/times.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { usageError } from '../flags/usage-error.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { writeDocument } from '../reports/failure.js';
import type { CleanupDocument } from '../reports/sync-schemas.js';
import { readLogReading, withLog } from '../run-history/open-runlog.js';
import { type Session, withSession } from '../session.js';
import { findSync } from '../stored-syncs/find-sync.js';
import { oldRuns } from '../stored-syncs/old-runs.js';
import { readStoredFlags } from '../stored-syncs/stored-flags.js';
import { type Swept, sweepRuns } from '../stored-syncs/sweep-runs.js';

/** Most runs of a sync. */
const ALL_RUNS = 1_000_000;

/** Most runs that are listed for people. */
const MOST_LISTED = 20;

/**
 * `lakeport cleanup`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function cleanupCommand(flags: ParsedFlags, context: CliContext): Promise<number> {
  const syncId = flags.get(FLAGS.syncId);
  if (syncId === undefined) {
    throw usageError({
      code: 'MISSING_FLAG',
      message: '--sync-id must be given: cleanup is for the runs of one stored sync',
      hint: 'lakeport config list shows them.',
      flag: '--sync-id',
    });
  }
  const before = new Date(Date.now() - (flags.get(FLAGS.olderThan) ?? 0));
  const states = flags.has(FLAGS.runStates) ? flags.get(FLAGS.runStates) : undefined;
  const isDryRun = flags.has(FLAGS.dryRun);
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'cleanup', runId: randomUUID(), logging, json, context }, async (session) => {
    const document = await withLog(reading, { context, session }, async (log) => {
      const all = await log.runs({ limit: ALL_RUNS, syncId });
      const runs = oldRuns(all, { before, states });
      // A sync that was deleted may have left runs.
      const sync =
        all.length === 0 ? await findSync(log, syncId) : (await log.syncs()).find((one) => one.syncId === syncId);
      const authFile =
        reading.authFile ?? (sync && readStoredFlags(sync.settings, syncId).get(FLAGS.authFile.name)?.at(-1));
      const auth = authFile === undefined ? undefined : await readAuthFile(authFile, context);
      // Completed runs have nothing left there.
      const unfinished = runs.filter(({ state }) => state !== 'completed');
      const swept = await sweepRuns(unfinished, { auth, isDryRun });
      return removeRuns(log, { syncId, runs, swept, isDryRun, session, context });
    });
    if (json) writeDocument(document, context);
    else if (!logging.quiet) context.stdout.write(context.redactor.redact(cleanupText(document)));
    return document.exit_code;
  });
}

/** Runs whose destinations could not be swept stay in the log, which alone knows of them. */
async function removeRuns(
  log: RunLog,
  {
    swept,
    session,
    context,
    ...request
  }: {
    readonly syncId: string;
    readonly runs: readonly RunRecord[];
    readonly swept: Swept;
    readonly isDryRun: boolean;
    readonly session: Session;
    readonly context: CliContext;
  },
): Promise<CleanupDocument> {
  const kept = new Set(swept.failures.flatMap(({ runs }) => runs));
  for (const { runs, error } of swept.failures) {
    const message = `What ${counted(runs.length, 'run')} left staged cannot be removed, so that the run log keeps them: ${error.message}`;
    session.observer.message?.('warning', message, { code: error.code, ...(error.hint && { hint: error.hint }) });
  }
  const { syncId, isDryRun } = request;
  const runs = request.runs.filter((run) => !kept.has(run));
  return {
    lakeport: VERSION,
    command: 'cleanup',
    exit_code: context.log.exitCode(0),
    run_log: log.address,
    sync_id: syncId,
    dry_run: isDryRun,
    runs: runs.map(({ runId, state, endedAt }) => ({
      run_id: runId,
      state,
      ended_at: endedAt?.toISOString() ?? null,
    })),
    staged: [...swept.storages],
    rows: await log.deleteRuns({ runs, isDryRun }),
    warnings: session.warnings,
  };
}

function cleanupText({ dry_run: isDryRun, sync_id: syncId, runs, staged, rows }: CleanupDocument): string {
  if (runs.length === 0) return `Sync ${syncId} has no old runs to remove.\n`;
  const listed = runs.slice(0, MOST_LISTED).map(({ run_id: runId, state, ended_at: ended }) => {
    const time = ended === null ? '' : `  ${shownTime(new Date(ended))} UTC`;
    return `  ${runId}  ${state}${time}`;
  });
  if (runs.length > MOST_LISTED) listed.push(`  and ${count(runs.length - MOST_LISTED)} more`);
  const files = staged.map(
    ({ storage, files: found }) => `${counted(found, 'temporary file')} in ${printable(storage)}`,
  );
  const { jobs, partitions, files: fileRows, watermarks } = rows;
  const inLog = [
    counted(jobs, 'table'),
    counted(partitions, 'partition'),
    counted(fileRows, 'file'),
    counted(watermarks, 'watermark'),
  ].join(', ');
  return `${[
    `${isDryRun ? 'Would remove' : 'Removed'} ${counted(rows.runs, 'run')} of sync ${syncId}:`,
    ...listed,
    `In the run log: ${inLog}`,
    `In the destinations: ${files.length === 0 ? 'nothing' : files.join(', ')}`,
  ].join('\n')}\n`;
}
