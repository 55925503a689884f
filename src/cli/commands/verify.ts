import { randomUUID } from 'node:crypto';

import { readAuthFile } from '../../auth-file.js';
import type { AuthFile } from '../../auth/auth-file.js';
import { EXIT_CODES } from '../../errors.js';
import { tableFormat } from '../../export/formats/formats.js';
import { expectedOf } from '../../export/verify/recorded-tables.js';
import { tablesAt } from '../../export/verify/tables-at.js';
import { type ExpectedTable, verifyTables, type VerifyProgress } from '../../export/verify/verify-tables.js';
import { availableCores } from '../../runtime/machine.js';
import { raceAbort } from '../../runtime/interruption.js';
import { byteSize, count } from '../../text/quantities.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import type { TableFormat } from '../../export/formats/table-format.js';
import type { RunHistory } from '../../runlog/index.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { RUN_ID_BEGIN } from '../flags/value-types.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { writeDocument } from '../reports/failure.js';
import { type Verification, verifyDocument, verifyText } from '../reports/verify-report.js';
import { closeLog, type LogReading, openLogToRead, readLogReading } from '../run-history/open-runlog.js';
import {
  canBeRestored,
  isSaltOf,
  recordedAuthFile,
  recordedManifestPlace,
  restoredOptions,
} from '../run-history/recorded-options.js';
import { inProgress, openRunTables } from '../run-history/run-tables.js';
import { type Session, withSession } from '../session.js';
import { compareWithSource, hashedText, readSourceChoice, type SourceChoice } from './source-comparison.js';
import { isRunId, oneSubject, refuseWithoutTables } from './run-or-path.js';
import { openPlace } from './stored-place.js';

/**
 * `lakeport verify`.
 * @returns the exit code: 3 if anything differs
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function verifyCommand(options: {
  readonly flags: ParsedFlags;
  /** Words that are not flags: the run, or the path. */
  readonly operands: readonly string[];
  readonly context: CliContext;
}): Promise<number> {
  const { flags, operands, context } = options;
  const typed = oneSubject(operands, { command: 'verify', does: 'verifies' });
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const deep = flags.get(FLAGS.deep);
  const parallel = flags.get(FLAGS.parallel);
  const threads = parallel === 'auto' ? availableCores() : parallel;
  const choice = readSourceChoice(flags);
  const saltReference = flags.get(FLAGS.maskSalt);
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'verify', runId: randomUUID(), logging, json, context }, async (session) => {
    const { authFile } = reading;
    const auth = authFile === undefined ? undefined : await readAuthFile(authFile, context);
    const verifying = { auth, deep, threads, choice, saltReference, session, context };
    session.start();
    session.say('looking for manifests');
    const startedAt = performance.now();
    const working = isRunId(typed, auth)
      ? verifyRun(RUN_ID_BEGIN.parse({ flag: 'RUN_ID', value: typed }), { ...verifying, reading })
      : verifyPath(typed, verifying);
    const verification = await working;
    session.stop();
    const differs =
      verification.unknown.length > 0 || verification.tables.some((table) => table.differences.length > 0);
    const code = context.log.exitCode(differs ? EXIT_CODES['tables-failed'] : 0);
    const report = { ...verification, deep, seconds: (performance.now() - startedAt) / 1000 };
    if (json) writeDocument(verifyDocument(report, code), context);
    else context.stdout.write(context.redactor.redact(verifyText(report, context.stdout)));
    return code;
  });
}

interface Verifying {
  readonly auth: AuthFile | undefined;
  readonly deep: boolean;
  /** Threads that decode pages. */
  readonly threads: number;
  /** Undefined to compare with no database. */
  readonly choice: SourceChoice | undefined;
  readonly saltReference: string | undefined;
  readonly session: Session;
  readonly context: CliContext;
}

async function verifyRun(
  given: string,
  { reading, ...verifying }: Verifying & { readonly reading: LogReading },
): Promise<Verification> {
  const { session, context } = verifying;
  const { signal } = context;
  const log = await openLogToRead(reading, { context, session });
  try {
    const runId = await raceAbort(signal, log.fullId(given));
    session.aboutRun(runId);
    const history = await raceAbort(signal, log.history(runId));
    if (history.run.state === 'running') throw inProgress(runId);
    const format = tableFormat({ manifest: recordedManifestPlace(history.run.settings) });
    const { choice, auth } = await ofRun(history.run, verifying);
    const opened = await openRunTables(history, { auth });
    try {
      const expected = await raceAbort(signal, Promise.all(opened.tables.map((table) => expectedOf(table, format))));
      const compared = await verifyAll(expected, format, { ...verifying, choice, auth });
      const unpublished = history.tables.length - compared.tables.length;
      return { runId, path: undefined, ...compared, unknown: [], unpublished };
    } finally {
      await opened.close();
    }
  } finally {
    await closeLog(log, signal);
  }
}

async function verifyPath(typed: string, verifying: Verifying): Promise<Verification> {
  const { auth, session, context } = verifying;
  const { signal } = context;
  for (const warning of auth?.warnings ?? []) session.log.write('WARNING', warning);
  const place = await openPlace(typed, auth);
  const { storage, path } = place;
  try {
    const format = tableFormat({ manifest: undefined });
    const found = await raceAbort(signal, tablesAt(storage, path, format));
    if (found.tables.length === 0) await refuseWithoutTables(place, { auth, signal });
    const compared = await verifyAll(found.tables, format, verifying);
    return { runId: undefined, path: storage.display(path), ...compared, unknown: found.unknown, unpublished: 0 };
  } finally {
    await storage.close();
  }
}

async function verifyAll(
  expected: readonly ExpectedTable[],
  format: TableFormat,
  { auth, deep, threads, choice, session, context }: Verifying,
): Promise<Pick<Verification, 'tables' | 'servers'>> {
  const { signal } = context;
  const onProgress = (progress: VerifyProgress) => session.say(progressText(progress));
  const options = { format, deep, digest: choice && hashedText, threads, signal, onProgress };
  const tables = await raceAbort(signal, verifyTables(expected, options));
  return choice === undefined ? { tables } : compareWithSource(tables, expected, { choice, auth, session, context });
}

/** What a run's record says of its source. */
async function ofRun(
  { settings, runId }: RunHistory['run'],
  { auth, choice, saltReference, context }: Verifying,
): Promise<Pick<Verifying, 'choice' | 'auth'>> {
  if (choice === undefined || !canBeRestored(settings)) return { choice, auth };
  const options = restoredOptions(settings, runId);
  const authFile = recordedAuthFile(settings);
  const known = auth ?? (authFile === undefined ? undefined : await readAuthFile(authFile, context));
  const { sourceId, databaseName, inherited } = options;
  const maskSalt = saltReference ?? options.maskSalt;
  const isSalted = known !== undefined && maskSalt !== undefined;
  const salt =
    isSalted && (await isSaltOf(settings, { options: { ...options, maskSalt }, auth: known }))
      ? known.secret(maskSalt, '--mask-salt')
      : undefined;
  return {
    auth: known,
    choice: { entryId: choice.entryId ?? sourceId, database: choice.database ?? databaseName, inherited, salt },
  };
}

function progressText({ filesDone, files, bytesDone, bytes }: VerifyProgress): string {
  const share = bytes > 0 ? ` · ${Math.floor((Math.min(bytesDone, bytes) / bytes) * 100)} %` : '';
  return `verifying: ${count(filesDone)} of ${count(files)} files · ${byteSize(bytesDone)} of ${byteSize(bytes)}${share}`;
}
