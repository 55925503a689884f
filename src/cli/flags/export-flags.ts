import { randomUUID } from 'node:crypto';

import type { DatabaseEntry } from '../../auth/entries.js';
import { connectionStringParts } from '../../auth/connection-string.js';
import { type Compat, COMPATS, readerOf } from '../../columns/compat.js';
import { MANIFEST_PLACES } from '../../export/model/manifest-place.js';
import type { ExportOptions, Parallelism } from '../../export/model/options.js';
import { ROW_CHECKS } from '../../export/execution/row-check.js';
import { availableCores } from '../../runtime/machine.js';
import { OPT_INS, optInFlag } from '../../sources/opt-ins.js';
import {
  codec,
  duration,
  notEmpty,
  oneOf,
  parallelism,
  patterns,
  route,
  unboundedNumeric,
  uuid,
  wholeNumber,
} from './flag-values.js';
import { localPath, outputDirectory } from './path-flags.js';
import { EXPORT_FLAGS } from './flags.js';
import type { ParsedFlags } from './parsed-flags.js';
import { resolveSubPath, type SubPathTokens } from './sub-path.js';
import { tableConfigs } from './table-config.js';
import { notAvailableYet, usageError } from './usage-error.js';

const MOST_JOBS = 1024;
/** Row counts inside a Parquet file's pages are 32 bits wide. */
const MOST_ROW_GROUP_ROWS = 2 ** 31 - 1;

/** What the command line says about an export, all of it valid, before the auth file is opened. */
export interface ExportSettings {
  readonly authFile: string;
  /** Shows the plan instead of exporting. */
  readonly dryRun: boolean;
  /** The compatibility flags that were given, with their dashes. */
  readonly ignoredFlags: readonly string[];
  readonly runId: string;
  readonly sourceId: string;
  readonly target: ExportOptions['target'];
  /** @throws LakeportError of class `usage` where `--sub_path` or the path of a `--route` does not fit */
  optionsFor(source: DatabaseEntry): ExportOptions;
}

/** @throws LakeportError of class `usage` */
export function readExportSettings(flags: ParsedFlags): ExportSettings {
  refuseLaterFlags(flags);
  requireFlags(flags);
  const startedAt = new Date();
  const target = readTarget(flags);
  const runId = read(flags, 'run_id', uuid) ?? randomUUID();
  const sourceId = read(flags, 'source_db_auth_id', notEmpty) ?? '';
  const databaseName = read(flags, 'source_db_name', notEmpty);
  const subPath = read(flags, 'sub_path', notEmpty) ?? '';
  const routes = flags.values('route').map((value) => route({ flag: '--route', value }));
  const [minRows, maxRows] = readRowLimits(flags);
  const [compat, timestampUnit] = readCompat(flags);
  const options = {
    runId,
    startedAt,
    sourceId,
    databaseName,
    schemaPatterns: readPatterns(flags, 'source_schema_name'),
    includePatterns: readPatterns(flags, 'include'),
    excludePatterns: readPatterns(flags, 'exclude'),
    optIns: OPT_INS.filter((optIn) => flags.has(optInFlag(optIn))),
    minRows,
    maxRows,
    target,
    jobs: readJobs(flags) ?? 4,
    parallel: readParallel(flags) ?? 'auto',
    tableConfig: flags.values('table_config').flatMap((value) => tableConfigs(value)),
    largeTableThreshold: readNumber(flags, 'large_table_threshold', { least: 0 }) ?? 100_000,
    manifest: read(flags, 'manifest', (given) => oneOf(given, MANIFEST_PLACES)) ?? 'beside',
    codec: read(flags, 'compression_type', codec) ?? 'Zstd',
    rowGroupRows: readNumber(flags, 'row_group_rows', { least: 1, most: MOST_ROW_GROUP_ROWS }) ?? 1_000_000,
    maxRowsPerFile: readNumber(flags, 'max_rows_per_file', { least: 1 }),
    unboundedNumeric: read(flags, 'unbounded_numeric', unboundedNumeric) ?? { as: 'text' },
    arrays: read(flags, 'arrays', (given) => oneOf(given, ['list', 'json', 'text'])) ?? 'list',
    timestampUnit,
    compat,
    onUnrepresentable: read(flags, 'on_unrepresentable', (given) => oneOf(given, ['error', 'null'])) ?? 'error',
    consistency: readConsistency(flags) ?? 'auto',
    errorAction: readErrorAction(flags),
    lockTimeoutMs: read(flags, 'lock_timeout', duration) ?? 30_000,
    rowCheck: read(flags, 'row_check', (given) => oneOf(given, ROW_CHECKS)) ?? 'count',
  } satisfies Omit<ExportOptions, 'subPath' | 'routes'>;
  const paths = (database: string | undefined): Pick<ExportOptions, 'subPath' | 'routes'> => {
    const tokens: SubPathTokens = { runId, startedAt, database };
    return {
      subPath: resolveSubPath(subPath, tokens),
      routes: routes.map((one) => ({ ...one, subPath: resolveSubPath(one.subPath, tokens, '--route') })),
    };
  };
  // A path that no database's name can make right is refused before the auth file is read.
  paths(databaseName ?? 'database');
  return {
    authFile: read(flags, 'auth_file', localPath) ?? '',
    dryRun: flags.has('dry_run'),
    ignoredFlags: ignoredFlags(flags),
    runId,
    sourceId,
    target,
    optionsFor: (source) => ({ ...options, ...paths(databaseName ?? databaseOf(source)) }),
  };
}

/** Tables exported at the same time. @throws LakeportError of class `usage` */
export function readJobs(flags: ParsedFlags): number | undefined {
  return readNumber(flags, 'n_jobs', { least: 1, most: MOST_JOBS });
}

/** Readers inside one table. @throws LakeportError of class `usage` */
export function readParallel(flags: ParsedFlags): Parallelism | undefined {
  return read(flags, 'parallel', (given) => parallelism(given, availableCores()));
}

/** @throws LakeportError of class `usage` */
export function readConsistency(flags: ParsedFlags): 'run' | 'none' | undefined {
  return read(flags, 'consistency', (given) => oneOf(given, ['run', 'none']));
}

/** The compatibility flags that were given, with their dashes. */
export function ignoredFlags(flags: ParsedFlags): string[] {
  return EXPORT_FLAGS.filter(({ name, standing }) => standing === 'ignored' && flags.has(name)).map(
    ({ name }) => `--${name}`,
  );
}

function refuseLaterFlags(flags: ParsedFlags): void {
  const later = EXPORT_FLAGS.filter(({ name, standing }) => standing === 'later' && flags.has(name));
  const [flag] = later;
  if (flag !== undefined) throw notAvailableYet(later.map(({ name }) => `--${name}`).join(', '));
}

function requireFlags(flags: ParsedFlags): void {
  const missing = ['auth_file', 'source_db_auth_id'].filter((name) => !flags.has(name));
  if (missing.length === 0) return;
  throw usageError({
    code: 'MISSING_FLAG',
    message: `${missing.map((name) => `--${name}`).join(' and ')} must be given`,
    hint: 'lakeport --help shows an example; lakeport demo runs one.',
    flag: `--${missing[0] ?? ''}`,
  });
}

function readTarget(flags: ParsedFlags): ExportOptions['target'] {
  const directory = read(flags, 'output_dir', outputDirectory);
  const storageId = read(flags, 'target_storage_id', notEmpty);
  if (directory !== undefined && storageId === undefined) return { directory };
  if (storageId !== undefined && directory === undefined) return { storageId };
  throw usageError({
    code: 'ONE_DESTINATION',
    message:
      directory === undefined
        ? 'Either --output_dir or --target_storage_id must be given'
        : '--output_dir and --target_storage_id exclude each other',
    hint: '--output_dir names a local directory, --target_storage_id a storage entry of the auth file.',
  });
}

function readRowLimits(flags: ParsedFlags): [minRows: number | undefined, maxRows: number | undefined] {
  const minRows = readNumber(flags, 'min_rows', { least: 0 });
  const maxRows = readNumber(flags, 'max_rows', { least: 0 });
  if (minRows === undefined || maxRows === undefined || minRows <= maxRows) return [minRows, maxRows];
  throw usageError({
    code: 'BAD_VALUE',
    message: `--min_rows ${minRows} is more than --max_rows ${maxRows}`,
    flag: '--min_rows',
  });
}

function readCompat(flags: ParsedFlags): [Compat | undefined, 'us' | 'ns'] {
  const compat = read(flags, 'compat', (given) => oneOf(given, COMPATS));
  const unit = read(flags, 'timestamp_unit', (given) => oneOf<'us' | 'ns'>(given, ['us', 'ns'])) ?? 'us';
  if (compat === undefined || unit === 'us') return [compat, unit];
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: `--timestamp_unit ns and --compat ${compat} exclude each other: ${readerOf(compat)} cannot open tables with nanoseconds`,
    hint: 'Leave --timestamp_unit out: times of day then keep all seven digits, as text, and timestamps keep six.',
    flag: '--timestamp_unit',
  });
}

function readErrorAction(flags: ParsedFlags): ExportOptions['errorAction'] {
  const action = read(flags, 'error_action', (given) => oneOf(given, ['continue', 'fail', 'skip']));
  return action === 'fail' ? 'fail' : 'continue';
}

function readPatterns(flags: ParsedFlags, name: string): string[] {
  return flags.values(name).flatMap((value) => patterns({ flag: `--${name}`, value }));
}

function readNumber(flags: ParsedFlags, name: string, range: { readonly least: number; readonly most?: number }) {
  return read(flags, name, (given) => wholeNumber(given, range));
}

function read<T>(
  flags: ParsedFlags,
  name: string,
  parse: (given: { readonly flag: string; readonly value: string }) => T,
): T | undefined {
  const value = flags.value(name);
  return value === undefined ? undefined : parse({ flag: `--${name}`, value });
}

/** Name of the database that the entry itself gives. */
function databaseOf(entry: DatabaseEntry): string | undefined {
  if (entry.engine === 'sqlite') return undefined;
  const { info } = entry;
  return info.connectionString === undefined ? info.database : connectionStringParts(info.connectionString).database;
}
