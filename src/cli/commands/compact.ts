import { randomUUID } from 'node:crypto';
import path from 'node:path';

import { readAuthFile } from '../../auth-file.js';
import type { AuthFile } from '../../auth/auth-file.js';
import { EXIT_CODES, LakeportError } from '../../errors.js';
import { compactTables, type CompactionResult } from '../../export/compact/compact-tables.js';
import { tableFormat } from '../../export/formats/formats.js';
import type { MergeableTable } from '../../export/formats/table-format.js';
import { tablesAt } from '../../export/verify/tables-at.js';
import { raceAbort } from '../../runtime/interruption.js';
import type { Storage } from '../../storage/storage.js';
import type { StorageTarget } from '../../storage/target.js';
import { tableName } from '../../text/printable.js';
import { count } from '../../text/quantities.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { RUN_ID_BEGIN } from '../flags/value-types.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { compactDocument, compactText } from '../reports/compact-report.js';
import { writeDocument } from '../reports/failure.js';
import { closeLog, type LogReading, openLogToRead, readLogReading } from '../run-history/open-runlog.js';
import { inProgress, openRunTables } from '../run-history/run-tables.js';
import { type Session, withSession } from '../session.js';
import { isRunId, oneSubject, refuseWithoutTables } from './run-or-path.js';
import { openPlace } from './stored-place.js';

/**
 * `lakeport compact`.
 * @returns the exit code: 3 if a table failed
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function compactCommand(options: {
  readonly flags: ParsedFlags;
  /** Words that are not flags: the run, or the path. */
  readonly operands: readonly string[];
  readonly context: CliContext;
}): Promise<number> {
  const { flags, operands, context } = options;
  const typed = oneSubject(operands, { command: 'compact', does: 'compacts' });
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  const isDryRun = flags.get(FLAGS.dryRun);
  const key = flags.get(FLAGS.keyColumns);
  const runId = randomUUID();
  return withSession({ command: 'compact', runId, logging, json, context }, async (session) => {
    const { authFile } = reading;
    const auth = authFile === undefined ? undefined : await readAuthFile(authFile, context);
    session.start();
    session.say('looking for manifests');
    const startedAt = performance.now();
    const finding = { auth, context, session };
    const found = isRunId(typed, auth)
      ? await tablesOfRun(RUN_ID_BEGIN.parse({ flag: 'RUN_ID', value: typed }), { ...finding, reading })
      : await tablesOfPath(typed, finding);
    if (found.tables.length === 0) throw nothingSynced(typed, found.whole);
    const results: CompactionResult[] = [];
    for (const [target, tables] of byTarget(found.tables)) {
      const run = { runId, isDryRun, key: key.length === 0 ? undefined : key, format: FORMAT, signal: context.signal };
      const progress = {
        observer: session.observer,
        onProgress: (table: MergeableTable, rows: number) => session.say(progressText(table, rows)),
        onResult: (result: CompactionResult) => logResult(session, result),
      };
      results.push(...(await compactTables(target, tables, { ...run, ...progress })));
    }
    session.stop();
    const hasFailed = results.some(({ state }) => state === 'failed');
    const code = context.log.exitCode(hasFailed ? EXIT_CODES['tables-failed'] : 0);
    const seconds = (performance.now() - startedAt) / 1000;
    const report = { runId, isDryRun, results, whole: found.whole, seconds };
    if (json) writeDocument(compactDocument(report, { code, warnings: session.warnings }), context);
    else context.stdout.write(context.redactor.redact(compactText(report, context.stdout)));
    return code;
  });
}

/** Of a table that is there, its manifest says where the next one goes. */
const FORMAT = tableFormat({ manifest: undefined });

interface FoundTable {
  readonly table: MergeableTable;
  readonly target: StorageTarget;
}

interface FoundTables {
  readonly tables: readonly FoundTable[];
  /** How many are there that are exported whole. */
  readonly whole: number;
}

interface Finding {
  readonly auth: AuthFile | undefined;
  readonly context: CliContext;
  readonly session: Session;
}

async function tablesOfRun(
  given: string,
  { reading, auth, context, session }: Finding & { readonly reading: LogReading },
): Promise<FoundTables> {
  const { signal } = context;
  const log = await openLogToRead(reading, { context, session });
  try {
    const history = await raceAbort(signal, log.history(await raceAbort(signal, log.fullId(given))));
    if (history.run.state === 'running') throw inProgress(history.run.runId);
    const opened = await openRunTables(history, { auth });
    try {
      const places = opened.tables.map(({ storage, directory }) => {
        return { storage, directory, target: opened.targetOf(storage) };
      });
      return await raceAbort(signal, mergeable(places));
    } finally {
      await opened.close();
    }
  } finally {
    await closeLog(log, signal);
  }
}

async function tablesOfPath(typed: string, { auth, context, session }: Finding): Promise<FoundTables> {
  const { signal } = context;
  for (const warning of auth?.warnings ?? []) session.log.write('WARNING', warning);
  const place = await openPlace(typed, auth);
  const { storage, target } = place;
  try {
    const { tables } = await raceAbort(signal, tablesAt(storage, place.path, FORMAT));
    if (tables.length === 0) await refuseWithoutTables(place, { auth, signal });
    const found = await raceAbort(signal, mergeable(tables.map(({ directory }) => ({ storage, directory, target }))));
    return { ...found, tables: found.tables.map(atBase) };
  } finally {
    await storage.close();
  }
}

async function mergeable(
  places: readonly { readonly storage: Storage; readonly directory: string; readonly target: StorageTarget }[],
): Promise<FoundTables> {
  const found = await Promise.all(
    places.map(async ({ storage, directory, target }) => {
      const table = await FORMAT.mergeable(directory, storage);
      return table && { table, target };
    }),
  );
  const tables = found.filter((one) => one !== undefined);
  return { tables, whole: found.length - tables.length };
}

/**
 * The same table, relative to the base that its syncs were written to: there the locks are that they hold.
 * @throws LakeportError if an entry of the auth file has another base
 */
function atBase({ table, target }: FoundTable): FoundTable {
  const { writtenAs, directory } = table;
  if (writtenAs === undefined || writtenAs === directory) return { table, target };
  if (target.kind === 'entry') throw otherBase(target.entry.id, table);
  const absolute = path.resolve(target.directory, directory);
  const ending = path.join(path.sep, writtenAs);
  // Copied to a place of another name, where no sync writes to.
  if (!absolute.endsWith(ending)) return { table, target };
  const base = absolute.slice(0, -ending.length) || path.parse(absolute).root;
  return { table: { ...table, directory: writtenAs }, target: { kind: 'directory', directory: base } };
}

function byTarget(tables: readonly FoundTable[]): ReadonlyMap<StorageTarget, readonly MergeableTable[]> {
  const keyOf = (target: StorageTarget) =>
    target.kind === 'entry' ? `entry ${target.entry.id}` : `directory ${path.resolve(target.directory)}`;
  const grouped = new Map<string, { readonly target: StorageTarget; readonly tables: MergeableTable[] }>();
  for (const { table, target } of tables) {
    const group = grouped.get(keyOf(target));
    if (group === undefined) grouped.set(keyOf(target), { target, tables: [table] });
    else group.tables.push(table);
  }
  return new Map(Array.from(grouped.values(), (group) => [group.target, group.tables]));
}

function logResult(session: Session, { table, state, ...result }: CompactionResult): void {
  const name = nameOf(table);
  const fields = { event: 'table_compaction', table: name, state };
  if ('error' in result) {
    session.log.write('ERROR', `${name}: ${result.error.message}`, { ...fields, code: result.error.code });
  } else if ('compaction' in result) {
    const { rows, supersededRows, files, stayingFiles } = result.compaction;
    const text = `${name}: ${count(supersededRows)} rows superseded, ${count(rows)} rows in ${count(files + stayingFiles)} files now`;
    session.log.write('INFO', text, {
      ...fields,
      rows,
      superseded_rows: supersededRows,
      files,
      staying_files: stayingFiles,
    });
  }
}

function nameOf({ schema = '', name }: MergeableTable): string {
  return tableName({ schema, name });
}

function progressText(table: MergeableTable, rows: number): string {
  const all = table.files.reduce((sum, file) => sum + file.rows, 0);
  return `merging ${nameOf(table)}: ${count(rows)} of ${count(all)} rows`;
}

function otherBase(entry: string, { directory, writtenAs = '' }: MergeableTable): LakeportError {
  return new LakeportError({
    code: 'COMPACT_ELSEWHERE',
    message: `The table in ${directory} of the storage ${entry} was written as ${writtenAs}, by an entry with another base`,
    hint: 'Name the entry that its syncs write by: its locks are at that base.',
    context: { entry, path: directory },
  });
}

function nothingSynced(typed: string, whole: number): LakeportError {
  const tables = whole === 1 ? 'The table there is' : 'The tables there are';
  return new LakeportError({
    code: 'COMPACT_NOT_SYNCED',
    message: `${tables} exported whole: each key has one row already`,
    hint: 'Only tables that --incremental-table names have files of several syncs.',
    context: { path: typed },
  });
}
