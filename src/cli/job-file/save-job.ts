import { writeFileSync } from 'node:fs';
import { Document } from 'yaml';
import { interpolate } from '../../auth/interpolation.js';
import type { Redactor } from '../../auth/redaction.js';
import { LakeportError } from '../../errors.js';
import { systemReason } from '../../runtime/system-reason.js';
import { type Flag, spelling } from '../flags/flag.js';
import type { TableConfig } from '../../export/model/options.js';
import { FLAGS } from '../flags/flags.js';
import { tableConfigs } from '../flags/table-config.js';
import type { TypedValues } from './read-job.js';
import { JOB_FLAGS, tableForm, TABLES_KEY } from './settings.js';

/** Names one run: a second one with it would be refused. */
const NOT_SAVED: ReadonlySet<Flag> = new Set<Flag>([FLAGS.runId]);

const SCHEMA_COMMENT = ' yaml-language-server: $schema=./node_modules/lakeport/docs/schemas/job.json';

/** Settings by pattern. Maps keep the order, in which settings apply, whatever the keys are. */
type Tables = Map<string, Map<string, unknown>>;

export interface JobToSave {
  /** Of the command line, and as written in a job file that it takes up. */
  readonly values: TypedValues;
  /** Those of the command line. */
  readonly typed: TypedValues;
  /** Knows the secrets of the auth file. */
  readonly redactor: Redactor;
}

/**
 * The values of flags as a file may hold them: with references, which are replaced when they are read, and without secrets.
 * @param flags those to keep
 * @throws LakeportError if a value contains a secret
 */
export function storableValues({ values, typed, redactor }: JobToSave, flags: readonly Flag[]): TypedValues {
  return new Map(
    flags.flatMap((flag) => {
      const given = values.get(flag.name);
      if (given === undefined) return [];
      const isTyped = typed.has(flag.name);
      return [[flag.name, given.map((value) => storable(flag, value, { redactor, isTyped }))] as const];
    }),
  );
}

/** The text of a job file that stands for these flags. @throws LakeportError if a value contains a secret */
export function jobText(job: JobToSave): string {
  return jobFileText(
    storableValues(
      job,
      JOB_FLAGS.filter((flag) => !NOT_SAVED.has(flag)),
    ),
  );
}

/** A job file of storable values. */
export function jobFileText(storable: TypedValues): string {
  const settings = new Map<string, unknown>();
  const tables: Tables = new Map();
  for (const flag of JOB_FLAGS) {
    const values = storable.get(flag.name);
    if (values === undefined) continue;
    if (!nest(flag, values, tables)) settings.set(flag.name, flatValue(flag, values));
  }
  if (tables.size > 0) settings.set(TABLES_KEY, tables);
  const document = new Document(settings);
  document.commentBefore = SCHEMA_COMMENT;
  return document.toString({ lineWidth: 0, singleQuote: true });
}

/** @throws LakeportError if the file exists or cannot be written */
export function saveJobFile(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' });
  } catch (cause) {
    const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
    throw new LakeportError({
      code: 'JOB_FILE_NOT_SAVED',
      message: `The job file ${path} cannot be written: ${exists ? 'it exists' : systemReason(cause)}`,
      hint: exists ? 'Name another file, or remove this one first.' : `Give ${spelling(FLAGS.save)} another path.`,
      context: { path },
      cause,
    });
  }
}

/** A value that stays what it is when references are replaced. @throws LakeportError if it contains a secret */
function storable(
  flag: Flag,
  value: string,
  { redactor, isTyped }: { readonly redactor: Redactor; readonly isTyped: boolean },
): string {
  redactor.addInner(value);
  if (redactor.redact(value) !== value) {
    throw new LakeportError({
      code: 'JOB_FILE_SECRET',
      message: `${spelling(flag)} contains a credential, which is not to be stored`,
      hint: 'Put it into the auth file, or write a reference to a variable, ${NAME}, into a job file.',
      context: { detail: spelling(flag) },
    });
  }
  if (!isTyped || flag.keepsReferences === true) return value;
  const read = interpolate(value, {});
  return 'value' in read && read.value === value ? value : value.replaceAll('$', '$$$$');
}

function flatValue(flag: Flag, values: readonly string[]): unknown {
  if (flag.value === undefined) return true;
  const texts = flag.repeatable ? values : values.slice(-1);
  return texts.length === 1 ? scalar(texts[0] ?? '') : texts;
}

/** A whole number is written as one, everything else as a text. */
function scalar(text: string): string | number {
  return /^(?:0|-?[1-9]\d{0,14})$/.test(text) ? Number(text) : text;
}

/** What one value says about the tables of a pattern. */
interface TableValue {
  readonly pattern: string;
  /** For a mapping of columns. */
  readonly column?: string;
  /** By the names of the settings. */
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Puts a flag's values under the tables' patterns, if that leaves their order as it is.
 * @returns whether it does
 */
function nest(flag: Flag, values: readonly string[], tables: Tables): boolean {
  const parts = values.map((value) => tableValues(flag, value));
  if (parts.includes(undefined)) return false;
  const all = parts.flatMap((part) => part ?? []);
  const patterns = [...new Set([...tables.keys(), ...all.map(({ pattern }) => pattern)])];
  const places = all.map(({ pattern }) => patterns.indexOf(pattern));
  if (places.some((place, at) => place < (places[at - 1] ?? 0))) return false;
  const names = new Set(all.map(({ pattern, column = '' }) => `${pattern}\n${column}`));
  if (names.size < all.length) return false;
  for (const { pattern, column, settings } of all) {
    const table = tables.get(pattern) ?? new Map<string, unknown>();
    tables.set(pattern, table);
    for (const [name, text] of Object.entries(settings)) {
      if (column === undefined) table.set(name, scalar(text));
      else table.set(name, columnsOf(table.get(name)).set(column, scalar(text)));
    }
  }
  return true;
}

function columnsOf(known: unknown): Map<string, unknown> {
  return known instanceof Map ? (known as Map<string, unknown>) : new Map<string, unknown>(); // made here
}

/** Patterns and names whose quotes, if any, do not matter. */
const PATTERN = String.raw`(?:[\p{L}\p{N}_%.]|\\.)+`;
const COLUMN = String.raw`(?:[\p{L}\p{N}_%]|\\.)+`;
const NAME = /^[\p{L}\p{N}_]+$/u;
const OF_TABLE = new RegExp(`^(${PATTERN})([:=])([\\s\\S]*)$`, 'u');
const OF_COLUMN = new RegExp(`^(${PATTERN}):(${COLUMN}):([\\s\\S]*)$`, 'u');
/** The column is behind the last dot, and nothing else than a type behind it. */
const OF_COLUMN_AFTER_DOT = new RegExp(`^(${PATTERN})\\.(${COLUMN}):([^:]*)$`, 'u');

/** Undefined for a value that is better left as it is. */
function tableValues(flag: Flag, value: string): readonly TableValue[] | undefined {
  if (flag === FLAGS.tableConfig) return configValues(value);
  const form = tableForm(flag);
  if (form === undefined) return undefined;
  if (form.kind === 'columns') {
    const isByDot = flag === FLAGS.columnTypes;
    const [, pattern, column, text] = OF_COLUMN.exec(value) ?? (isByDot ? OF_COLUMN_AFTER_DOT.exec(value) : null) ?? [];
    if (pattern === undefined || column === undefined || text === undefined) return undefined;
    return [{ pattern, column, settings: { [flag.name]: text } }];
  }
  const [, pattern = '', separator, text = ''] = OF_TABLE.exec(value) ?? [];
  return separator === form.separator ? [{ pattern, settings: { [flag.name]: text } }] : undefined;
}

/** Method, key and degree of each table, unless a name would be another as a pattern. */
function configValues(value: string): readonly TableValue[] | undefined {
  const values = knownConfigs(value).map(({ schema, table, method, key, degree }) => ({
    names: schema === undefined ? [table] : [schema, table],
    settings: {
      ...(method !== undefined && { method }),
      ...(key !== undefined && { key }),
      ...(degree !== undefined && { degree: String(degree) }),
    },
  }));
  const isPlain = values.every(
    ({ names, settings }) => names.every((name) => NAME.test(name)) && Object.keys(settings).length > 0,
  );
  if (!isPlain || values.length === 0) return undefined;
  return values.map(({ names, settings }) => ({ pattern: names.join('.'), settings }));
}

/** None if some of it is a reference of another job file. */
function knownConfigs(value: string): readonly TableConfig[] {
  try {
    return tableConfigs(value);
  } catch {
    return [];
  }
}
