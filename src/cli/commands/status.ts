import { randomUUID } from 'node:crypto';

import { raceAbort } from '../../runtime/interruption.js';
import type { RunHistory } from '../../runlog/index.js';
import { recordedAuthFile, resumeCommand } from '../run-history/command-text.js';
import type { CliContext } from '../context.js';
import { writeDocument } from '../reports/failure.js';
import { FLAGS } from '../flags/flags.js';
import { RUN_ID_BEGIN } from '../flags/value-types.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { closeLog, type LogReading, openLogToRead, readLogReading } from '../run-history/open-runlog.js';
import { canBeRestored, recordedAuthPath, recordedConsistency } from '../run-history/recorded-options.js';
import { isWorthResuming } from '../run-history/resume-offer.js';
import { withSession } from '../session.js';
import { statusDocument } from '../reports/status-json.js';
import { statusText } from '../reports/status-report.js';
import { usageError } from '../flags/usage-error.js';

/**
 * `lakeport status`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function statusCommand(options: {
  readonly flags: ParsedFlags;
  /** Words that are not flags: the run's id. */
  readonly ids: readonly string[];
  readonly context: CliContext;
}): Promise<number> {
  const { flags, ids, context } = options;
  const byFlag = flags.get(FLAGS.runId);
  const given = readRunId(byFlag === undefined ? ids : [byFlag, ...ids]);
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'status', runId: randomUUID(), logging, json, context }, async (session) => {
    const log = await openLogToRead(reading, { context, session });
    try {
      const runId = await raceAbort(context.signal, log.fullId(given));
      session.aboutRun(runId);
      const history = await raceAbort(context.signal, log.history(runId));
      const { workers } = await raceAbort(context.signal, log.workersOf(runId));
      if (json) {
        const exitCode = context.log.exitCode(0);
        writeDocument(statusDocument(history, log.address, { exitCode, workers }), context);
      } else {
        const resume = wayToResume(history, reading);
        const text = statusText(history, { output: context.stdout, resume, now: new Date(), workers });
        context.stdout.write(context.redactor.redact(text));
      }
      return 0;
    } finally {
      await closeLog(log, context.signal);
    }
  });
}

/** The command that finishes the run, if it can be resumed. */
function wayToResume(
  { run, tables }: RunHistory,
  { authFile: given, entryId: logEntryId }: LogReading,
): string | undefined {
  const { runId, state, settings, commandLine } = run;
  // The command line names none if a job file does.
  const authFile = given ?? recordedAuthPath(settings) ?? recordedAuthFile(commandLine) ?? 'auth.json';
  const isOver = state === 'completed' || state === 'running';
  if (isOver || run.tables === undefined || !canBeRestored(settings)) return undefined;
  const unfinished = tables.filter((table) => table.state !== 'completed').map(({ error }) => error);
  // If no table is unfinished, the run failed with an error of its own.
  const failures = unfinished.length === 0 ? [run.error] : unfinished;
  if (!isWorthResuming(failures, { consistency: recordedConsistency(settings) })) return undefined;
  return resumeCommand({ runId, authFile, logEntryId });
}

function readRunId(ids: readonly string[]): string {
  const [value, second] = ids;
  if (value !== undefined && second === undefined) return RUN_ID_BEGIN.parse({ flag: 'RUN_ID', value });
  throw usageError({
    code: 'ONE_RUN',
    message: value === undefined ? 'lakeport status needs the id of a run' : 'lakeport status shows one run at a time',
    hint: 'lakeport runs lists them; --sync-id shows a stored sync.',
  });
}
