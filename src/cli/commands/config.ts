import { randomUUID } from 'node:crypto';

import { readAuthFile } from '../../auth-file.js';
import { raceAbort } from '../../runtime/interruption.js';
import { printable } from '../../text/printable.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import { readExportSettings } from '../flags/export-flags.js';
import { spelling } from '../flags/flag.js';
import { FLAGS } from '../flags/flags.js';
import { ParsedFlags } from '../flags/parsed-flags.js';
import { openRunLogFromFlags, readLogFlags } from '../flags/runlog-flags.js';
import { overJobFile, readJobFile } from '../job-file/read-job.js';
import { jobFileText } from '../job-file/save-job.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { writeDocument } from '../reports/failure.js';
import { syncDocument, syncsText } from '../reports/sync-report.js';
import type {
  ConfigCreateDocument,
  ConfigDeleteDocument,
  ConfigListDocument,
  ConfigShowDocument,
} from '../reports/sync-schemas.js';
import { commandText, recordedCommand } from '../run-history/command-text.js';
import { closeLog, readLogReading, withLog } from '../run-history/open-runlog.js';
import { withSession } from '../session.js';
import { findSync } from '../stored-syncs/find-sync.js';
import { readStoredFlags, storedFlags } from '../stored-syncs/stored-flags.js';
import { noticeIgnoredFlags, optionsOf } from './export.js';

interface ConfigInput {
  /** As typed. */
  readonly argv: readonly string[];
  readonly flags: ParsedFlags;
  /** The command's own command comes first. */
  readonly operands: readonly string[];
  readonly context: CliContext;
}

/**
 * `lakeport config`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export function configCommand({ operands: [word], ...input }: ConfigInput): Promise<number> {
  if (word === 'create') return createSync(input);
  if (word === 'list') return listSyncs(input);
  return word === 'show' ? showSync(input) : deleteSync(input);
}

type Input = Omit<ConfigInput, 'operands'>;

async function createSync({ argv, flags: given, context }: Input): Promise<number> {
  const config = given.get(FLAGS.config);
  const job = config === undefined ? undefined : readJobFile(config, context.environment);
  const typed = new Map(Object.entries(given.typed));
  const flags = new ParsedFlags(overJobFile(typed, job?.values));
  // Whatever a run would refuse is refused now.
  const settings = readExportSettings(flags);
  const logFlags = readLogFlags(flags);
  const syncId = flags.get(FLAGS.syncId) ?? randomUUID();
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'config_create', runId: settings.runId, logging, json, context }, async (session) => {
    noticeIgnoredFlags(settings, session);
    const auth = await readAuthFile(settings.authFile, context);
    for (const warning of auth.warnings) session.log.write('WARNING', warning);
    optionsOf(settings, { auth, context });
    const { redactor, signal } = context;
    const stored = storedFlags({ values: overJobFile(typed, job?.written), typed, redactor });
    const log = await openRunLogFromFlags({ ...logFlags, mode: 'preserve' }, { auth, context });
    try {
      const { envName } = logFlags;
      const sync = { syncId, envName, commandLine: recordedCommand(argv, redactor), settings: stored };
      const isReplaced = await raceAbort(signal, log.saveSync(sync, { replaces: flags.get(FLAGS.replace) }));
      const record = await raceAbort(signal, findSync(log, syncId));
      const run = runCommand({ syncId, authFile: settings.authFile, logEntryId: logFlags.entryId });
      if (json) {
        const document: ConfigCreateDocument = {
          lakeport: VERSION,
          command: 'config_create',
          exit_code: context.log.exitCode(0),
          run_log: log.address,
          replaced: isReplaced,
          run,
          sync: syncDocument(record),
        };
        writeDocument(document, context);
      } else {
        const done = isReplaced ? 'has new flags' : `is stored in the run log ${printable(log.address)}`;
        context.stdout.write(redactor.redact(`Sync ${syncId} ${done}.\nTo run it:  ${run}\n`));
      }
      return 0;
    } finally {
      await closeLog(log, signal);
    }
  });
}

async function listSyncs(input: Input): Promise<number> {
  const { flags, context } = input;
  const envName = flags.get(FLAGS.envName);
  return looking('config_list', input, async ({ log, json }) => {
    const syncs = (await log.syncs()).filter((sync) => envName === undefined || sync.envName === envName);
    const document: ConfigListDocument = {
      lakeport: VERSION,
      command: 'config_list',
      exit_code: context.log.exitCode(0),
      run_log: log.address,
      syncs: syncs.map(syncDocument),
    };
    if (json) writeDocument(document, context);
    else
      context.stdout.write(context.redactor.redact(syncsText(syncs, { output: context.stdout, address: log.address })));
  });
}

async function showSync(input: Input): Promise<number> {
  const { flags, context } = input;
  const syncId = flags.get(FLAGS.syncId);
  return looking('config_show', input, async ({ log, json }) => {
    const sync = await findSync(log, syncId);
    const document: ConfigShowDocument = {
      lakeport: VERSION,
      command: 'config_show',
      exit_code: context.log.exitCode(0),
      run_log: log.address,
      sync: syncDocument(sync),
    };
    if (json) writeDocument(document, context);
    else context.stdout.write(context.redactor.redact(jobFileText(readStoredFlags(sync.settings, sync.syncId))));
  });
}

async function deleteSync(input: Input): Promise<number> {
  const { flags, context } = input;
  const given = flags.get(FLAGS.syncId);
  return looking('config_delete', input, async ({ log, json }) => {
    const { syncId } = await findSync(log, given);
    await log.deleteSync(syncId);
    const document: ConfigDeleteDocument = {
      lakeport: VERSION,
      command: 'config_delete',
      exit_code: context.log.exitCode(0),
      run_log: log.address,
      sync_id: syncId,
    };
    if (json) writeDocument(document, context);
    else context.stdout.write(`Sync ${syncId} is deleted; its files, and its runs in the run log, stay.\n`);
  });
}

/** Runs a command that looks at the log. */
function looking(
  command: string,
  { flags, context }: Input,
  body: (open: {
    readonly log: Awaited<ReturnType<typeof openRunLogFromFlags>>;
    readonly json: boolean;
  }) => Promise<void>,
): Promise<number> {
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command, runId: randomUUID(), logging, json, context }, async (session) => {
    await withLog(reading, { context, session }, (log) => body({ log, json }));
    return 0;
  });
}

/** The command that runs a stored sync. The auth file is stored with it, unless the log itself is in a database of it. */
function runCommand(of: {
  readonly syncId: string;
  readonly authFile: string;
  readonly logEntryId: string | undefined;
}): string {
  const { syncId, authFile, logEntryId } = of;
  const log = logEntryId === undefined ? [] : ['-a', authFile, spelling(FLAGS.logDatabaseId), logEntryId];
  return commandText(['sync', spelling(FLAGS.syncId), syncId, ...log]);
}
