import { readAuthFile } from '../../auth-file.js';
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
import { withSession } from '../session.js';
import { noticeIgnoredFlags } from './export.js';

/**
 * `--resume`: finishes an earlier run.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function resumeRunCommand(
  flags: ParsedFlags,
  context: CliContext,
  { plan }: { readonly plan: boolean },
): Promise<number> {
  const settings = readResumeSettings(flags, { plan });
  const log = { ...readLogFlags(flags), isAsked: true };
  const logging = readLoggingSettings(flags);
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'export', runId: settings.runId, logging, json, context }, async (session) => {
    noticeIgnoredFlags(settings, session);
    const auth = await readAuthFile(settings.authFile, context);
    for (const warning of auth.warnings) session.log.write('WARNING', warning);
    session.start();
    const runLog = await openRunLogFromFlags(log, { auth, context, threaded: true });
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
      record = await RunRecording.resume(recording, { log: runLog, export: options });
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
    return executeExport({ options, auth, log, record, session, context, json, quiet: logging.quiet });
  });
}
