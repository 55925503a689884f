import { randomUUID } from 'node:crypto';

import type { RunLog } from '../../runlog/index.js';
import { shownTime } from '../../text/times.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import { ParsedFlags } from '../flags/parsed-flags.js';
import { overJobFile } from '../job-file/read-job.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { writeDocument } from '../reports/failure.js';
import { runSummaryDocument } from '../reports/runs-report.js';
import type { SyncPublishDocument } from '../reports/sync-schemas.js';
import { readLogReading, withLog } from '../run-history/open-runlog.js';
import { canBeRestored } from '../run-history/recorded-options.js';
import { withSession } from '../session.js';
import { findSync } from '../stored-syncs/find-sync.js';
import { restoredFlags } from '../stored-syncs/stored-flags.js';
import { exportCommand } from './export.js';
import { resumeRunCommand } from './resume.js';

/** Runs to look through for one that is unfinished. */
const MOST_LOOKED_AT = 50;

/**
 * `lakeport sync`: runs a stored sync, or finishes its last run.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line, or if the log cannot be used; everything else is
 * shown here
 */
export async function syncCommand({
  argv,
  flags,
  context,
}: {
  readonly argv: readonly string[];
  readonly flags: ParsedFlags;
  readonly context: CliContext;
}): Promise<number> {
  const isResume = flags.has(FLAGS.resume);
  const givenRun = flags.get(FLAGS.runId);
  const { sync, unfinished } = await withLog(readLogReading(flags), { context }, async (log) => {
    const found = await findSync(log, flags.get(FLAGS.syncId));
    const runId = isResume ? (givenRun ?? (await unfinishedRun(log, found.syncId))) : undefined;
    return { sync: found, unfinished: runId };
  });
  const { syncId } = sync;
  const stored = restoredFlags(sync.settings, { syncId, environment: context.environment });
  const typed = new Map(Object.entries(flags.typed));
  typed.delete(FLAGS.syncId.name);
  typed.delete(FLAGS.resume.name);
  if (unfinished !== undefined) {
    typed.delete(FLAGS.runId.name);
    typed.set(FLAGS.resume.name, [unfinished]);
    const authFile = stored.get(FLAGS.authFile.name);
    if (!typed.has(FLAGS.authFile.name) && authFile !== undefined) typed.set(FLAGS.authFile.name, authFile);
    return resumeRunCommand(new ParsedFlags(typed), context, { plan: false });
  }
  const note = isResume ? `Sync ${syncId} has no unfinished run: starting a new one` : undefined;
  const all = new ParsedFlags(overJobFile(typed, stored));
  return exportCommand(all, context, { argv, plan: false, logged: true, syncId, note });
}

/**
 * `lakeport 'sync[publish]'`: says what there is to publish, which is nothing.
 * @returns the exit code
 */
export async function publishedSync(flags: ParsedFlags, context: CliContext): Promise<number> {
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'sync_publish', runId: randomUUID(), logging, json, context }, async (session) => {
    await withLog(reading, { context, session }, async (log) => {
      const { syncId } = await findSync(log, flags.get(FLAGS.syncId));
      const [last] = await log.runs({ limit: 1, syncId });
      const document: SyncPublishDocument = {
        lakeport: VERSION,
        command: 'sync_publish',
        exit_code: context.log.exitCode(0),
        run_log: log.address,
        sync_id: syncId,
        last_run: last === undefined ? null : runSummaryDocument(last),
      };
      if (json) writeDocument(document, context);
      else {
        const state =
          last === undefined
            ? `Sync ${syncId} has no runs yet: lakeport sync --sync-id ${syncId} exports and publishes.`
            : `The last run of sync ${syncId}, started ${shownTime(last.startedAt)} UTC, is ${last.state}.`;
        context.stdout.write(`Files are published with the export: there is nothing left to publish.\n${state}\n`);
      }
    });
    return 0;
  });
}

/** The last run that was planned and can be resumed, if no later one was completed or is in progress. */
async function unfinishedRun(log: RunLog, syncId: string): Promise<string | undefined> {
  for (const { state, runId, tables, settings } of await log.runs({ limit: MOST_LOOKED_AT, syncId })) {
    if (state === 'completed' || state === 'running') return undefined;
    if (tables !== undefined && canBeRestored(settings)) return runId;
  }
  return undefined;
}
