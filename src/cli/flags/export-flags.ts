import { randomUUID } from 'node:crypto';

import type { DatabaseEntry } from '../../auth/entries.js';
import { readerOf } from '../../columns/compat.js';
import { engineOf } from '../../engines.js';
import type { ExportOptions } from '../../export/model/options.js';
import { metadataConflict } from '../../export/model/metadata-files.js';
import { levelProblem } from '../../parquet/file-options.js';
import type { OptIn } from '../../sources/opt-ins.js';
import { ENGINE_FLAGS } from './engine-flags.js';
import { type Flag, spelling } from './flag.js';
import { EXPORT_FLAGS, FLAGS } from './flags.js';
import type { ParsedFlags } from './parsed-flags.js';
import { resolveSubPath, type SubPathTokens } from './sub-path.js';
import { usageError } from './usage-error.js';

/**
 * Options that are the value of one flag, by their names. The same flags read them from the command line and from the
 * records of earlier runs.
 */
export const OPTION_FLAGS = {
  databaseName: FLAGS.databaseName,
  schemaPatterns: FLAGS.schemas,
  includePatterns: FLAGS.include,
  excludePatterns: FLAGS.exclude,
  inherited: FLAGS.inherited,
  queries: FLAGS.queries,
  queryFiles: FLAGS.queryFiles,
  columns: FLAGS.columns,
  excludedColumns: FLAGS.excludedColumns,
  skipUnreadableColumns: FLAGS.skipUnreadableColumns,
  where: FLAGS.where,
  samples: FLAGS.samples,
  addedColumns: FLAGS.addedColumns,
  incremental: FLAGS.incremental,
  safetyLagMs: FLAGS.safetyLag,
  nullCursors: FLAGS.nullCursors,
  resetWatermarks: FLAGS.resetWatermarks,
  strategy: FLAGS.strategy,
  compactEvery: FLAGS.compactEvery,
  detectDeletes: FLAGS.detectDeletes,
  onSchemaChange: FLAGS.onSchemaChange,
  minRows: FLAGS.minRows,
  maxRows: FLAGS.maxRows,
  jobs: FLAGS.jobs,
  parallel: FLAGS.parallel,
  tableConfig: FLAGS.tableConfig,
  partitionBy: FLAGS.partitionBy,
  sortBy: FLAGS.sortBy,
  largeTableThreshold: FLAGS.largeTableThreshold,
  manifest: FLAGS.manifest,
  ddl: FLAGS.ddl,
  generateMetadata: FLAGS.generateMetadata,
  includeEntityFiles: FLAGS.includeEntityFiles,
  manifestName: FLAGS.manifestName,
  codec: FLAGS.codec,
  compressionLevel: FLAGS.compressionLevel,
  encoding: FLAGS.encoding,
  rowGroupRows: FLAGS.rowGroupRows,
  maxRowsPerFile: FLAGS.maxRowsPerFile,
  maxFileBytes: FLAGS.maxFileBytes,
  unboundedNumeric: FLAGS.unboundedNumeric,
  arrays: FLAGS.arrays,
  timestampUnit: FLAGS.timestampUnit,
  compat: FLAGS.compat,
  onUnrepresentable: FLAGS.onUnrepresentable,
  masks: FLAGS.masks,
  bloomFilters: FLAGS.bloomFilters,
  maskPolicy: FLAGS.maskPolicy,
  maskSalt: FLAGS.maskSalt,
  columnTypes: FLAGS.columnTypes,
  consistency: FLAGS.consistency,
  errorAction: FLAGS.errorAction,
  lockTimeoutMs: FLAGS.lockTimeoutMs,
  rowCheck: FLAGS.rowCheck,
} as const satisfies { readonly [K in keyof ExportOptions]?: Flag<ExportOptions[K]> };

/** The values of all `OPTION_FLAGS` and of the engines' flags. */
export type FlagOptions = Required<Pick<ExportOptions, 'engineOptions'>> & {
  readonly [K in keyof typeof OPTION_FLAGS]: (typeof OPTION_FLAGS)[K] extends Flag<infer T> ? T : never;
};

/** Reads each option by its flag. */
export function flagOptions(read: <T>(flag: Flag<T>, name: string) => T): FlagOptions {
  const valuesOf = (flags: Readonly<Record<string, Flag>>) =>
    Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, read(flag, name)]));
  // Each value has its flag's type; `fromEntries` loses the names.
  return { ...valuesOf(OPTION_FLAGS), engineOptions: valuesOf(ENGINE_FLAGS) } as unknown as FlagOptions;
}

/** Flags for what is exported only on request. */
const OPT_IN_FLAGS: Readonly<Record<OptIn, Flag<boolean>>> = {
  views: FLAGS.includeViews,
  foreign_tables: FLAGS.includeForeignTables,
  extension_tables: FLAGS.includeExtensionTables,
};

/** Valid settings of an export from the command line, before the auth file is opened. */
export interface ExportSettings {
  readonly authFile: string;
  /** Shows the plan instead of exporting. */
  readonly dryRun: boolean;
  /** The compatibility flags that were given, with their dashes. */
  readonly ignoredFlags: readonly string[];
  readonly runId: string;
  readonly sourceId: string;
  readonly target: ExportOptions['target'];
  /** @throws LakeportError of class `usage` if `--sub-path` or the path of a `--route` is invalid */
  optionsFor(source: DatabaseEntry): ExportOptions;
}

/** @throws LakeportError of class `usage` */
export function readExportSettings(flags: ParsedFlags): ExportSettings {
  const { authFile, sourceId } = requiredFlags(flags);
  const startedAt = new Date();
  const target = readTarget(flags);
  const runId = flags.get(FLAGS.runId) ?? randomUUID();
  const subPath = flags.get(FLAGS.subPath);
  const routes = flags.get(FLAGS.routes);
  const values = flagOptions((flag) => flags.get(flag));
  refuseConflicts(values);
  const optIns = Object.keys(OPT_IN_FLAGS).filter((name): name is OptIn => flags.get(OPT_IN_FLAGS[name as OptIn]));
  const options = { runId, startedAt, sourceId, optIns, target, ...values };
  const paths = (database: string | undefined): Pick<ExportOptions, 'subPath' | 'routes'> => {
    const tokens: SubPathTokens = { runId, startedAt, database };
    return {
      subPath: resolveSubPath(subPath, tokens),
      routes: routes.map((one) => ({ ...one, subPath: resolveSubPath(one.subPath, tokens, spelling(FLAGS.routes)) })),
    };
  };
  // Refuse a path that is invalid for every database name before the auth file is read.
  paths(values.databaseName ?? 'database');
  return {
    authFile,
    dryRun: flags.has(FLAGS.dryRun),
    ignoredFlags: ignoredFlags(flags),
    runId,
    sourceId,
    target,
    optionsFor: (source) => ({
      ...options,
      ...paths(values.databaseName ?? engineOf(source).database(source.info)),
    }),
  };
}

/** The compatibility flags that were given, with their dashes. */
export function ignoredFlags(flags: ParsedFlags): string[] {
  return EXPORT_FLAGS.filter((flag) => flag.standing === 'ignored' && flags.has(flag)).map(spelling);
}

function requiredFlags(flags: ParsedFlags): { readonly authFile: string; readonly sourceId: string } {
  const missing = [FLAGS.authFile, FLAGS.sourceId].filter((flag) => !flags.has(flag));
  const [authFile, sourceId] = missing.length > 0 ? [] : [flags.get(FLAGS.authFile), flags.get(FLAGS.sourceId)];
  if (authFile !== undefined && sourceId !== undefined) return { authFile, sourceId };
  throw usageError({
    code: 'MISSING_FLAG',
    message: `${missing.map(spelling).join(' and ')} must be given`,
    hint: 'lakeport --help shows an example; lakeport demo runs one.',
    flag: missing.map(spelling)[0],
  });
}

function readTarget(flags: ParsedFlags): ExportOptions['target'] {
  const directory = flags.get(FLAGS.outputDirectory);
  const storageId = flags.get(FLAGS.storageId);
  if (directory !== undefined && storageId === undefined) return { directory };
  if (storageId !== undefined && directory === undefined) return { storageId };
  throw usageError({
    code: 'ONE_DESTINATION',
    message:
      directory === undefined
        ? 'Either --output-dir or --target-storage-id must be given'
        : '--output-dir and --target-storage-id exclude each other',
    hint: '--output-dir names a local directory, --target-storage-id a storage entry of the auth file.',
  });
}

/** Refuses values that are each valid, but not together. */
function refuseConflicts(options: FlagOptions): void {
  const { minRows, maxRows, compat, timestampUnit } = options;
  if (minRows !== undefined && maxRows !== undefined && minRows > maxRows) {
    throw usageError({
      code: 'BAD_VALUE',
      message: `--min-rows ${minRows} is more than --max-rows ${maxRows}`,
      flag: spelling(FLAGS.minRows),
    });
  }
  const level = levelProblem(options);
  if (level !== undefined) {
    throw usageError({
      code: 'BAD_VALUE',
      message: `--compression-level: ${level}`,
      hint: `Leave the level out, or choose another codec with ${spelling(FLAGS.codec)}.`,
      flag: spelling(FLAGS.compressionLevel),
    });
  }
  refuseMetadataConflict(options);
  if (compat === undefined || timestampUnit === 'us') return;
  throw usageError({
    code: 'FLAG_CONFLICT',
    message: `--timestamp-unit ns and --compat ${compat} exclude each other: ${readerOf(compat)} cannot open tables with nanoseconds`,
    hint: 'Leave --timestamp-unit out: times of day then keep all seven digits, as text, and timestamps keep six.',
    flag: spelling(FLAGS.timestampUnit),
  });
}

/** @throws LakeportError of class `usage` if flags need, or exclude, `--generate-metadata` */
export function refuseMetadataConflict(options: Parameters<typeof metadataConflict>[0]): void {
  const conflict = metadataConflict(options);
  if (conflict === undefined) return;
  const flag = spelling(FLAGS[conflict]);
  const metadata = spelling(FLAGS.generateMetadata);
  if (conflict === 'manifest') {
    throw usageError({
      code: 'FLAG_CONFLICT',
      message: `${metadata} and ${flag} none exclude each other: metadata is made from the manifests of tables`,
      hint: `Leave ${flag} out: manifests are beside the tables' directories.`,
      flag,
    });
  }
  throw usageError({
    code: 'MISSING_FLAG',
    message: `${flag} needs ${metadata}`,
    hint: `Add ${metadata}, or leave ${flag} out.`,
    flag: metadata,
  });
}
