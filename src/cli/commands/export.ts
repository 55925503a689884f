import { readAuthFile } from '../../auth-file.js';
import type { AuthFile } from '../../auth/auth-file.js';
import type { SourceDatabase } from '../../export/export.js';
import type { ExportOptions } from '../../export/model/options.js';
import type { RecordedOverride } from '../../runlog/index.js';
import { fleetReaders } from '../../fleet/fleet-readers.js';
import { recordedCommand } from '../run-history/command-text.js';
import type { CliContext } from '../context.js';
import { RunRecording } from '../run-history/run-recording.js';
import { maskSaltOf } from '../../export/model/mask-salt.js';
import { type ExportSettings, readExportSettings } from '../flags/export-flags.js';
import { executeExport, publicNames } from './export-run.js';
import { writeDocument } from '../reports/failure.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { logTarget, readLogFlags, type LogFlags } from '../flags/runlog-flags.js';
import { logThreadAfterMs, readWorkerSettings, type WorkerSettings } from '../flags/worker-settings.js';
import { takePattern } from '../flags/table-setting.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { targetAddress } from '../run-history/recorded-options.js';
import type { PlanDetail } from '../reports/plan-listing.js';
import { withSession, type Session } from '../session.js';

export interface ExportCommandOptions {
  /** The command line as typed, for the run log. */
  readonly argv: readonly string[];
  /** Only shows what would be done. */
  readonly plan: boolean;
  /** Tables of a plan to show in full: LIKE patterns. */
  readonly tables?: readonly string[];
  /** Writes the job file of `--save`; called once the auth file's secrets are known. */
  readonly saveJob?: (() => void) | undefined;
  /** False keeps the run out of the run log. */
  readonly logged: boolean;
  /** The stored sync that is run. */
  readonly syncId?: string | undefined;
  /** What to tell before the run. */
  readonly note?: string | undefined;
}

/**
 * The default command, and `plan`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function exportCommand(
  flags: ParsedFlags,
  context: CliContext,
  { argv, plan, logged, tables = [], saveJob, syncId, note }: ExportCommandOptions,
): Promise<number> {
  const settings = readExportSettings(flags);
  const workers = await readWorkerSettings(flags);
  const given = readLogFlags(flags);
  // A run of a sync holds its lock, which is in the log.
  const logFlags = { ...given, isAsked: given.isAsked || syncId !== undefined };
  const logging = readLoggingSettings(flags);
  const planOnly = plan || settings.dryRun;
  const json = flags.get(FLAGS.json);
  const shown = tables.map((value) => takePattern({ flag: 'lakeport plan', value }, '').pattern);
  const command = planOnly ? 'plan' : 'export';
  return withSession({ command, runId: settings.runId, logging, json, context }, async (session) => {
    session.aboutRun(settings.runId);
    noticeIgnoredFlags(settings, session);
    const auth = await readAuthFile(settings.authFile, context);
    for (const warning of auth.warnings) session.log.write('WARNING', warning);
    const options = optionsOf(settings, { auth, context });
    if (note !== undefined) session.log.write('INFO', note);
    if (logFlags.entryId !== undefined) auth.database(logFlags.entryId);
    saveJob?.();
    const input = { options, auth, log: logFlags, session, context, json, syncId };
    if (planOnly)
      return showPlan({ ...input, workers, detail: { allTables: flags.get(FLAGS.allTables), tables: shown } });
    session.start();
    const record = logged ? await beginRecord({ ...input, workers }, argv) : undefined;
    return executeExport({ ...input, record, quiet: logging.quiet, workers });
  });
}

/**
 * The options of an export, whose entries are known to be in the auth file before anything connects.
 * @throws LakeportError of class `usage`
 */
export function optionsOf(
  settings: ExportSettings,
  { auth, context }: { readonly auth: AuthFile; readonly context: CliContext },
): ExportOptions {
  const options = settings.optionsFor(auth.database(settings.sourceId));
  if ('storageId' in options.target) auth.storage(options.target.storageId);
  else context.redactor.addPublic(options.target.directory);
  for (const { storageId } of options.routes) auth.storage(storageId);
  maskSaltOf(options, auth);
  return options;
}

/** Warns about flags that have no effect. */
export function noticeIgnoredFlags(
  { ignoredFlags }: { readonly ignoredFlags: readonly string[] },
  session: Session,
): void {
  if (ignoredFlags.length === 0) return;
  session.log.write('WARNING', `Not needed by lakeport, and ignored: ${ignoredFlags.join(', ')}`, {
    event: 'flags_ignored',
  });
}

interface ExportInput {
  readonly options: ExportOptions;
  readonly auth: AuthFile;
  readonly log: LogFlags;
  readonly session: Session;
  readonly context: CliContext;
  readonly json: boolean;
  readonly syncId: string | undefined;
}

function beginRecord(
  {
    options,
    auth,
    log,
    session,
    context,
    syncId,
    workers,
  }: ExportInput & { readonly workers: WorkerSettings | undefined },
  argv: readonly string[],
): Promise<RunRecording | undefined> {
  return RunRecording.begin(
    { log, auth, context, observer: session.observer, threadAfterMs: logThreadAfterMs(workers) },
    {
      export: options,
      commandLine: recordedCommand(argv, context.redactor),
      target: targetAddress(options, auth),
      syncId,
    },
  );
}

async function showPlan(
  input: ExportInput & { readonly detail: PlanDetail; readonly workers: WorkerSettings | undefined },
): Promise<number> {
  const { options, auth, session, context, json, detail, workers } = input;
  const [{ planExport }, { planDocument, planExitCode, planText }] = await Promise.all([
    import('../../export/export.js'),
    import('../reports/plan-report.js'),
  ]);
  session.start();
  const plan = await planExport({
    options,
    auth,
    observer: session.observer,
    signal: context.signal,
    cores: workers && fleetReaders(options.parallel),
    recordedOverrides: (of) => plannedTableSettings(of, input),
  });
  session.stop();
  publicNames(plan, context.redactor);
  const exitCode = context.log.exitCode(planExitCode(plan));
  if (json) writeDocument(planDocument(plan, options, session.warnings, exitCode), context);
  else {
    const text = planText(plan, { output: context.stdout, exportOptions: options, detail });
    context.stdout.write(context.redactor.redact(text));
  }
  return exitCode;
}

/** What an export would read from the log; does not create one. */
async function plannedTableSettings(
  of: SourceDatabase,
  { auth, log, session, context }: ExportInput,
): Promise<RecordedOverride[]> {
  const { readTableSettings } = await import('../../runlog/index.js');
  try {
    return await readTableSettings(await logTarget(log, { auth, context }), { ...of, envName: log.envName });
  } catch (thrown) {
    if (log.isAsked) throw thrown;
    session.log.write('WARNING', 'The run log cannot be read, so the settings in partition_columns are ignored.');
    return [];
  }
}
