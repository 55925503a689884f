import { randomUUID } from 'node:crypto';
import { COMPATS, readerOf } from '../../columns/compat.js';
import { ENGINE_OPTIONS } from '../../engines.js';
import { LakeportError } from '../../errors.js';
import { FILE_ENCODINGS, levelProblem } from '../../parquet/file-options.js';
import type { EngineOption } from '../../sources/engine-option.js';
import { OPT_INS } from '../../sources/opt-ins.js';
import { INHERITED } from '../../sources/source.js';
import { didYouMean } from '../../text/did-you-mean.js';
import { DDL_DIALECTS } from './ddl-dialect.js';
import { NULL_CURSORS, SCHEMA_CHANGES, SYNC_STRATEGIES } from './incremental.js';
import { MANIFEST_PLACES } from './manifest-place.js';
import { metadataConflict } from './metadata-files.js';
import { METHOD_NAMES, methodNamed } from './method-names.js';
import type { ExportOptions } from './options.js';
import { isRecord, listOnRecord, textOnRecord } from './plain-value.js';
import {
  FALSE_POSITIVES,
  validBloomFilter,
  validColumnMask,
  validColumnType,
  validPolicy,
  validUnboundedNumeric,
} from './valid-columns.js';
import {
  checkDirectoryKeys,
  validAddedColumn,
  validIncremental,
  validQuery,
  validRoute,
  validSample,
  validSettings,
  validSort,
  validTableConfig,
  validTexts,
} from './valid-data.js';

/** Less would hold little but a file's own footer. */
export const LEAST_FILE_BYTES = 64 << 10;

/** What only the caller knows; everything else has a default. */
type Needed = 'sourceId' | 'target';

/** Options of an export as a caller gives them. */
export type GivenOptions = Pick<ExportOptions, Needed> & {
  readonly [Name in Exclude<keyof ExportOptions, Needed>]?: ExportOptions[Name] | undefined;
};

/** Of an export of everything; the flags have them from here. */
export const DEFAULT_OPTIONS = {
  databaseName: undefined,
  schemaPatterns: [],
  includePatterns: [],
  excludePatterns: [],
  optIns: [],
  inherited: 'only',
  queries: [],
  queryFiles: [],
  columns: [],
  excludedColumns: [],
  skipUnreadableColumns: false,
  where: [],
  samples: [],
  addedColumns: [],
  incremental: [],
  safetyLagMs: undefined,
  nullCursors: 'fail',
  resetWatermarks: false,
  strategy: 'append',
  compactEvery: undefined,
  detectDeletes: false,
  onSchemaChange: 'fail',
  minRows: undefined,
  maxRows: undefined,
  routes: [],
  subPath: '',
  jobs: 4,
  parallel: 'auto',
  largeTableThreshold: 100_000,
  tableConfig: [],
  partitionBy: [],
  sortBy: [],
  manifest: 'beside',
  ddl: [],
  generateMetadata: false,
  includeEntityFiles: false,
  manifestName: undefined,
  codec: 'Zstd',
  compressionLevel: undefined,
  encoding: 'plain',
  rowGroupRows: 1_000_000,
  maxRowsPerFile: undefined,
  maxFileBytes: undefined,
  unboundedNumeric: { as: 'text' },
  arrays: 'list',
  onUnrepresentable: 'error',
  masks: [],
  bloomFilters: [],
  maskPolicy: undefined,
  maskSalt: undefined,
  columnTypes: [],
  timestampUnit: 'us',
  engineOptions: {},
  compat: undefined,
  consistency: 'auto',
  errorAction: 'continue',
  lockTimeoutMs: 30_000,
  rowCheck: 'count',
} as const satisfies Omit<ExportOptions, Needed | 'runId' | 'startedAt'>;

/** Of all options. */
const NAMES: ReadonlySet<string> = new Set([
  'runId',
  'startedAt',
  'sourceId',
  'target',
  ...Object.keys(DEFAULT_OPTIONS),
]);

type Check = (value: unknown) => string | undefined;

/** More tables at a time than any server has connections for. */
export const MOST_JOBS = 1024;

const QUERY = '{ id: { schema, name }, sql } with one SELECT, without a semicolon at its end';

/** What is wrong with a value, as the end of a sentence. Those that are missing here are checked where they are used. */
const CHECKS: { readonly [Name in keyof ExportOptions]?: Check } = {
  runId: (value) => (/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(String(value)) ? undefined : 'must be a UUID'),
  sourceId: text,
  schemaPatterns: texts,
  includePatterns: texts,
  excludePatterns: texts,
  startedAt: (value) => (value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : 'must be a Date'),
  databaseName: text,
  optIns: listOf(OPT_INS),
  inherited: oneOf(INHERITED),
  queries: eachOf(validQuery, QUERY),
  queryFiles: eachOf(validQuery, QUERY),
  columns: settingsOf(validTexts, "['id', 'amount%']"),
  excludedColumns: settingsOf(validTexts, "['id', 'amount%']"),
  skipUnreadableColumns: isSwitch,
  generateMetadata: isSwitch,
  includeEntityFiles: isSwitch,
  manifestName: text,
  where: settingsOf((value) => (text(value) === undefined ? value : undefined), "'amount > 0'"),
  samples: settingsOf(validSample, '{ percent } (above 0, at most 100) or { rows }'),
  addedColumns: eachOf(
    validAddedColumn,
    "{ name, value: { kind } } of 'run_id', 'exported_at' and 'source_table', or { kind: 'constant', text }",
  ),
  incremental: settingsOf(
    validIncremental,
    "{ cursor: { type, column }, isInclusive, start, strategy }, with 'updated_at' and 'timestamp', or only 'xmin'",
  ),
  safetyLagMs: wholeNumber(0),
  nullCursors: oneOf(NULL_CURSORS),
  resetWatermarks: isSwitch,
  strategy: oneOf(SYNC_STRATEGIES),
  compactEvery: wholeNumber(1),
  detectDeletes: isSwitch,
  onSchemaChange: oneOf(SCHEMA_CHANGES),
  routes: eachOf(validRoute, '{ patterns, storageId, subPath }'),
  tableConfig,
  target: (value) => (isTarget(value) ? undefined : 'must be { directory } or { storageId }'),
  minRows: wholeNumber(0),
  maxRows: wholeNumber(0),
  subPath: (value) => (typeof value === 'string' ? undefined : 'must be a string'),
  jobs: wholeNumber(1, MOST_JOBS),
  parallel: (value) => (value === 'auto' || Number.isSafeInteger(value) ? undefined : "must be 'auto' or an integer"),
  largeTableThreshold: wholeNumber(0),
  partitionBy,
  sortBy: settingsOf(validSort, '[{ column, descending }]'),
  manifest: oneOf(MANIFEST_PLACES),
  ddl: listOf(DDL_DIALECTS),
  codec: oneOf(['Zstd', 'Snappy', 'Gzip', 'Lz4', 'None']),
  encoding: oneOf(FILE_ENCODINGS),
  rowGroupRows: wholeNumber(1),
  maxRowsPerFile: wholeNumber(1),
  maxFileBytes: wholeNumber(LEAST_FILE_BYTES),
  unboundedNumeric: shaped(
    validUnboundedNumeric,
    "{ as: 'text' }, { as: 'double' } or { as: 'decimal', precision, scale }",
  ),
  arrays: oneOf(['list', 'json', 'text']),
  onUnrepresentable: oneOf(['error', 'null', 'text']),
  masks: settingsOf(
    validColumnMask,
    "{ column, mask } with { method: 'null' }, { method: 'hash' }, { method: 'redact', text } or { method: 'partial', first, last }",
  ),
  maskPolicy: shaped(validPolicy, '{ path, unlisted, columns }, as readMaskPolicy returns it'),
  maskSalt: secretReference,
  columnTypes: settingsOf(
    validColumnType,
    "{ column, type } with { as: 'text' | 'double' | 'json' }, { as: 'decimal', precision, scale } or { as: 'timestamp', unit }",
  ),
  bloomFilters: settingsOf(
    validBloomFilter,
    `{ column, falsePositives } from ${FALSE_POSITIVES.least.toFixed(5)} to ${FALSE_POSITIVES.most}`,
  ),
  timestampUnit: oneOf(['us', 'ns']),
  engineOptions: choices(ENGINE_OPTIONS),
  compat: oneOf(COMPATS),
  consistency: oneOf(['auto', 'run', 'none']),
  errorAction: oneOf(['continue', 'fail']),
  lockTimeoutMs: wholeNumber(0),
  rowCheck: oneOf(['count', 'none']),
};

/**
 * All options of an export; what is left out, or undefined, has its default.
 * @throws LakeportError of class `usage` for an option that does not exist or is missing, or a value that it cannot have
 */
export function completeOptions(given: GivenOptions): ExportOptions {
  const options: ExportOptions = {
    ...DEFAULT_OPTIONS,
    runId: randomUUID(),
    startedAt: new Date(),
    ...withoutUndefined(given),
  };
  for (const name of Object.keys(given)) if (!NAMES.has(name)) throw unknownOption(name);
  for (const [name, check] of Object.entries(CHECKS)) {
    const value = options[name as keyof ExportOptions]; // `Object.entries` forgets the names
    if (value === undefined && name in DEFAULT_OPTIONS) continue;
    const problem = check(value);
    if (problem !== undefined) throw badOption(name, problem);
  }
  const level = levelProblem(options);
  if (level !== undefined) throw badOption('compressionLevel', `is wrong: ${level}`);
  const { minRows = 0, maxRows = Infinity, compat, timestampUnit } = options;
  if (minRows > maxRows) throw badOption('minRows', `is more than maxRows, ${maxRows}`);
  if (compat !== undefined && timestampUnit === 'ns') {
    throw badOption('timestampUnit', `cannot be ns with compat: ${readerOf(compat)} cannot read nanoseconds`);
  }
  const conflict = metadataConflict(options);
  if (conflict === 'manifest') throw badOption(conflict, "cannot be 'none' with generateMetadata, which needs them");
  if (conflict !== undefined) throw badOption(conflict, 'needs generateMetadata');
  return options;
}

type WithoutUndefined<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

function withoutUndefined<T extends object>(given: T): WithoutUndefined<T> {
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as WithoutUndefined<T>; // the same names and values
}

function isTarget(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const places: readonly unknown[] = Object.values(value);
  return ('directory' in value || 'storageId' in value) && text(places[0]) === undefined && places.length === 1;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'must be a string that is not empty';
}

function isSwitch(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'must be true or false';
}

function texts(value: unknown): string | undefined {
  return Array.isArray(value) && value.every((item) => text(item) === undefined)
    ? undefined
    : 'must be a list of strings';
}

function secretReference(value: unknown): string | undefined {
  const isReference = typeof value === 'string' && /^\$(?:env|file)?\{[^{}]+\}$/.test(value);
  return isReference ? undefined : 'must refer to a secret, such as $env{NAME}, and not be one';
}

function oneOf(words: readonly string[]): Check {
  return (value) => (words.some((word) => word === value) ? undefined : `must be one of ${words.join(', ')}`);
}

function listOf(words: readonly string[]): Check {
  const isWord = (item: unknown) => words.some((word) => word === item);
  return (value) => (Array.isArray(value) && value.every(isWord) ? undefined : `must be a list of ${words.join(', ')}`);
}

function choices(options: readonly EngineOption[]): Check {
  return (value) => {
    if (typeof value !== 'object' || value === null) return 'must be an object';
    for (const [name, choice] of Object.entries(value)) {
      const option = options.find((one) => one.name === name);
      if (option === undefined) return `has no ${name}, but only ${options.map((one) => one.name).join(', ')}`;
      const problem = oneOf(option.values)(choice);
      if (problem !== undefined) return `has a ${name} that ${problem}`;
    }
    return undefined;
  };
}

function wholeNumber(least: number, most = Infinity): Check {
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  const isWithin = (value: number) => value >= least && value <= most;
  return (value) =>
    Number.isSafeInteger(value) && isWithin(Number(value)) ? undefined : `must be an integer ${range}`;
}

/** @param form of a value, for messages */
function shaped(valid: (value: unknown) => unknown, form: string): Check {
  return (value) => (valid(value) === undefined ? `must be ${form}` : undefined);
}

function eachOf(valid: (value: unknown) => unknown, form: string): Check {
  return shaped((list) => listOnRecord(list, valid), `a list of ${form}`);
}

function settingsOf(valid: (value: unknown) => unknown, form: string): Check {
  return shaped((list) => validSettings(list, valid), `a list of { pattern, value }; a value is ${form}`);
}

const TABLE_CONFIG = eachOf(validTableConfig, '{ schema, table, method, key, degree }');

function tableConfig(value: unknown): string | undefined {
  const problem = TABLE_CONFIG(value);
  if (problem !== undefined || !Array.isArray(value)) return problem;
  for (const item of value.filter(isRecord)) {
    const { method, degree } = item;
    if (method !== undefined && methodNamed(textOnRecord(method) ?? '') === undefined) {
      return `has the method ${JSON.stringify(method)}, but there are only ${METHOD_NAMES.join(', ')}`;
    }
    if (degree !== undefined && !Number.isSafeInteger(degree)) return 'has a degree that is no integer';
  }
  return undefined;
}

const PARTITION_BY = settingsOf(textOnRecord, "'year(order_date), region'");

function partitionBy(value: unknown): string | undefined {
  const problem = PARTITION_BY(value);
  if (problem !== undefined) return problem;
  try {
    validSettings(value, (list) => checkDirectoryKeys(String(list)));
    return undefined;
  } catch (thrown) {
    return `is wrong: ${LakeportError.from(thrown).message}`;
  }
}

function unknownOption(name: string): LakeportError {
  const near = didYouMean(name, NAMES);
  return new LakeportError({
    code: 'UNKNOWN_OPTION',
    message: `There is no export option ${name}${near === undefined ? '' : `; did you mean ${near}?`}`,
    hint: 'docs/api.md lists the options.',
    context: { detail: name },
  });
}

function badOption(name: string, problem: string): LakeportError {
  return new LakeportError({
    code: 'BAD_OPTION',
    message: `The export option ${name} ${problem}`,
    hint: 'docs/api.md lists the options.',
    context: { detail: name },
  });
}
