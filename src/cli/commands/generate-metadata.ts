import path from 'node:path';

import { readAuthFile } from '../../auth-file.js';
import { LakeportError } from '../../errors.js';
import type { PlacedTable } from '../../export/cdm/describe-tables.js';
import { writeMetadata } from '../../export/cdm/write-metadata.js';
import { tableFormat } from '../../export/formats/formats.js';
import type { MetadataFiles } from '../../export/model/metadata-files.js';
import { raceAbort } from '../../runtime/interruption.js';
import type { RunHistory } from '../../runlog/index.js';
import { printable } from '../../text/printable.js';
import { counted } from '../../text/quantities.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import { type Flag, spelling } from '../flags/flag.js';
import { ignoredFlags, refuseMetadataConflict } from '../flags/export-flags.js';
import { EXPORT_FLAGS, FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { usageError } from '../flags/usage-error.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import type { GeneratedMetadataDocument } from '../reports/document-schemas.js';
import { writeDocument } from '../reports/failure.js';
import { metadataDocument } from '../reports/run-json.js';
import { closeLog, openLogToRead, readLogReading } from '../run-history/open-runlog.js';
import { recordedDestination, recordedManifestPlace } from '../run-history/recorded-options.js';
import { inProgress, openRunTables } from '../run-history/run-tables.js';
import { withSession } from '../session.js';
import { noticeIgnoredFlags } from './export.js';

/**
 * `--run-id UUID --generate-metadata` without a source: writes the documents of the Common Data Model for a run that has
 * ended, from the run log and the manifests of its tables.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function generateMetadataCommand(
  flags: ParsedFlags,
  context: CliContext,
  { plan }: { readonly plan: boolean },
): Promise<number> {
  refuseOthers(flags, plan);
  const runId = flags.get(FLAGS.runId) ?? '';
  const options = {
    manifestName: flags.get(FLAGS.manifestName),
    includeEntityFiles: flags.get(FLAGS.includeEntityFiles),
  };
  refuseMetadataConflict({ ...options, generateMetadata: true });
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'generate_metadata', runId, logging, json, context }, async (session) => {
    session.aboutRun(runId);
    noticeIgnoredFlags({ ignoredFlags: ignoredFlags(flags) }, session);
    const { authFile } = reading;
    const auth = authFile === undefined ? undefined : await readAuthFile(authFile, context);
    session.start();
    session.say('reading manifests');
    const { signal } = context;
    const log = await openLogToRead(reading, { context, session });
    try {
      const history = await raceAbort(signal, log.history(runId));
      refuseOtherTarget(history, flags);
      refuseUnfinished(history, log.address);
      for (const { schema, table } of history.tables)
        for (const name of [schema, table]) context.redactor.addPublic(name);
      const format = tableFormat({ manifest: recordedManifestPlace(history.run.settings) });
      if (format.descriptionPath('x') === undefined) throw withoutManifests(runId);
      const opened = await openRunTables(history, { auth });
      try {
        const published = opened.tables.map((table): PlacedTable => ({ ...table, id: idOf(table), isPublished: true }));
        const others = opened.others.map((table): PlacedTable => ({ ...table, isPublished: false }));
        const described = { runId, format, checksFiles: true, signal };
        const metadata = await writeMetadata([...published, ...others], { ...described, ...options });
        session.stop();
        const code = context.log.exitCode(0);
        const tables = published.length;
        if (json)
          writeDocument({ ...documentOf(metadata, { runId, tables, code }), warnings: session.warnings }, context);
        else context.stdout.write(context.redactor.redact(textOf(metadata, { runId, tables })));
        return code;
      } finally {
        await opened.close();
      }
    } finally {
      await closeLog(log, signal);
    }
  });
}

function idOf({ schema = '', name }: { readonly schema: string | undefined; readonly name: string }) {
  return { schema, name };
}

/** What a run was exported with is in its record. */
function refuseOthers(flags: ParsedFlags, plan: boolean): void {
  const own: ReadonlySet<Flag> = new Set<Flag>([
    ...[FLAGS.authFile, FLAGS.runId, FLAGS.generateMetadata, FLAGS.includeEntityFiles, FLAGS.manifestName],
    ...[FLAGS.logDatabaseId, FLAGS.config, FLAGS.outputDirectory, FLAGS.storageId],
    ...EXPORT_FLAGS.filter(({ group, standing }) => group === 'Output' || standing === 'ignored'),
  ]);
  const others = EXPORT_FLAGS.filter((flag) => flags.has(flag) && !own.has(flag)).map(spelling);
  if (plan || flags.has(FLAGS.dryRun)) {
    throw usageError({
      code: 'FLAG_CONFLICT',
      message: 'The metadata of a run that has ended is written, not planned',
      hint: 'Leave out plan and --dry-run, or name a source to plan an export.',
      flag: spelling(FLAGS.dryRun),
    });
  }
  if (others.length === 0) return;
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: `--run-id with --generate-metadata and no source writes the metadata of a run that has ended, and takes not ${others.join(', ')}`,
    hint: `Leave them out, or add ${spelling(FLAGS.sourceId)} to export.`,
    flag: others[0],
  });
}

/** A destination may be given if it is that of the run. */
function refuseOtherTarget({ run }: RunHistory, flags: ParsedFlags): void {
  const target = recordedDestination(run.settings);
  const directory = flags.get(FLAGS.outputDirectory);
  const storageId = flags.get(FLAGS.storageId);
  const isSame =
    target !== undefined && 'directory' in target
      ? storageId === undefined && (directory === undefined || path.resolve(directory) === target.directory)
      : directory === undefined && (storageId === undefined || storageId === target?.storageId);
  if (isSame) return;
  const flag = spelling(directory === undefined ? FLAGS.storageId : FLAGS.outputDirectory);
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: `Run ${run.runId} did not write to ${directory ?? storageId ?? ''} of ${flag}`,
    hint: `Leave ${flag} out: the run log knows where it wrote to.`,
    flag,
  });
}

/** @throws LakeportError if the run is in progress, was interrupted, or has published nothing */
function refuseUnfinished({ run, tables }: RunHistory, log: string): void {
  const { runId, state } = run;
  if (state === 'running' || state === 'pending') throw inProgress(runId);
  const published = tables.filter((table) => table.state === 'completed').length;
  if (state === 'interrupted' || state === 'cancelled') {
    throw new LakeportError({
      code: 'RUN_NOT_FINISHED',
      message: `Run ${runId} was ${state}: ${published} of ${counted(run.tables ?? tables.length, 'table')} are published`,
      hint: `Finish it by --resume ${runId}, which writes the metadata too if the run was begun with it.`,
      context: { detail: log },
    });
  }
  if (published > 0) return;
  throw new LakeportError({
    code: 'RUN_WITHOUT_TABLES',
    message: `Run ${runId} has published no table`,
    hint: `lakeport status ${runId} shows why.`,
  });
}

function withoutManifests(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_WITHOUT_MANIFESTS',
    message: `Run ${runId} wrote no manifests (--manifest none), from which metadata is made`,
    hint: 'Export again without --manifest none.',
  });
}

function documentOf(
  metadata: MetadataFiles,
  { runId, tables, code }: { readonly runId: string; readonly tables: number; readonly code: number },
): Omit<GeneratedMetadataDocument, 'warnings'> {
  return {
    lakeport: VERSION,
    command: 'generate_metadata',
    exit_code: code,
    run_id: runId,
    tables,
    common_data_model: metadataDocument(metadata),
  };
}

function textOf(
  { manifests, entityFiles }: MetadataFiles,
  { runId, tables }: { readonly runId: string; readonly tables: number },
): string {
  const written = [...manifests, ...entityFiles].map((file) => `  ${printable(file)}\n`).join('');
  return `${counted(tables, 'table')} of run ${runId} described for the Common Data Model:\n${written}`;
}
