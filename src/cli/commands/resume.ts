import { setTimeout as sleep } from 'node:timers/promises';

import { readAuthFile } from '../../auth-file.js';
import { LakeportError } from '../../errors.js';
import { raceAbort } from '../../runtime/interruption.js';
import type { ExportOptions } from '../../export/model/options.js';
import type { CliContext } from '../context.js';
import { RunRecording } from '../run-history/run-recording.js';
import { executeExport } from './export-run.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { openRunLogFromFlags, readLogFlags } from '../flags/runlog-flags.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { count, counted } from '../../text/quantities.js';
import { recordedSalt, refuseOtherPlaces, restoredOptions } from '../run-history/recorded-options.js';
import { refuseOtherSalt } from '../run-history/mask-salt.js';
import { readResumeSettings } from '../flags/resume-flags.js';
import { logThreadAfterMs, readWorkerSettings } from '../flags/worker-settings.js';
import { type Session, withSession } from '../session.js';
import { noticeIgnoredFlags } from './export.js';

/**
 * `--resume`: finishes an earlier run.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function resumeRunCommand(
  flags: ParsedFlags,
  context: CliContext,
  { plan, waitsForOwner = false }: { readonly plan: boolean; readonly waitsForOwner?: boolean },
): Promise<number> {
  const settings = readResumeSettings(flags, { plan });
  const workers = await readWorkerSettings(flags);
  const log = { ...readLogFlags(flags), isAsked: true };
  const logging = readLoggingSettings(flags);
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'export', runId: settings.runId, logging, json, context }, async (session) => {
    noticeIgnoredFlags(settings, session);
    const auth = await readAuthFile(settings.authFile, context);
    for (const warning of auth.warnings) session.log.write('WARNING', warning);
    session.start();
    const threadAfterMs = logThreadAfterMs(workers);
    const runLog = await openRunLogFromFlags(log, { auth, context, threaded: true, threadAfterMs });
    const recording = { log, auth, context, observer: session.observer };
    let options: ExportOptions;
    let record: RunRecording;
    try {
      const runId = await raceAbort(context.signal, runLog.fullId(settings.runId));
      session.aboutRun(runId);
      const { run } = await raceAbort(context.signal, runLog.history(runId));
      // Reported times are those of this attempt.
      options = { ...restoredOptions(run.settings, runId), startedAt: new Date(), ...settings.changes };
      auth.database(options.sourceId);
      if ('directory' in options.target) context.redactor.addPublic(options.target.directory);
      refuseOtherPlaces(run.settings, options, auth);
      await refuseOtherSalt(recordedSalt(run.settings), { options, auth });
      const resume = () => RunRecording.resume(recording, { log: runLog, export: options });
      record = await (waitsForOwner ? onceOwnerIsGone(resume, { context, session }) : resume());
    } catch (error) {
      await runLog.close();
      throw error;
    }
    const { run, tables } = record.earlier ?? { run: undefined, tables: [] };
    const published = tables.filter(({ state }) => state === 'completed').length;
    session.log.write(
      'INFO',
      `Resuming run ${options.runId}: ${count(published)} of ${counted(run?.tables ?? tables.length, 'table')} published before`,
      { event: 'resumed', published },
    );
    return executeExport({ options, auth, log, record, session, context, json, quiet: logging.quiet, workers });
  });
}

/** The heartbeat of a process that has vanished on another machine takes a minute to expire. */
const OWNER_WAIT_MS = 90_000;
const OWNER_LOOK_MS = 3_000;

/** @throws LakeportError `RUN_HELD` if the process that owns the run is still alive after that time */
async function onceOwnerIsGone<T>(
  resume: () => Promise<T>,
  { context, session }: { readonly context: CliContext; readonly session: Session },
): Promise<T> {
  const until = performance.now() + OWNER_WAIT_MS;
  for (let isTold = false; ; isTold = true) {
    try {
      return await resume();
    } catch (thrown) {
      const { code, message } = LakeportError.from(thrown);
      if (code !== 'RUN_HELD' || performance.now() >= until) throw thrown;
      if (!isTold) session.log.write('INFO', `${message}: waiting until it is known to be gone`, { event: 'run_held' });
      await raceAbort(context.signal, sleep(OWNER_LOOK_MS));
    }
  }
}
