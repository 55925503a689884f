import { readFileSync } from 'node:fs';
import type { Node } from 'yaml';
import { LakeportError } from '../../errors.js';
import { systemReason } from '../../runtime/system-reason.js';
import { didYouMean } from '../../text/did-you-mean.js';
import { type Flag, spelling } from '../flags/flag.js';
import { FLAGS } from '../flags/flags.js';
import { JobDocument } from './document.js';
import {
  JOB_FLAGS,
  SCHEMA_KEY,
  TABLE_CONFIG_FIELDS,
  TABLE_FLAGS,
  type TableForm,
  tableForm,
  TABLES_KEY,
} from './settings.js';

/** Values of flags as they would be typed, by the flags' own names; empty for switches. */
export type TypedValues = ReadonlyMap<string, readonly string[]>;

export interface JobFile {
  /** With references replaced. */
  readonly values: TypedValues;
  /** As written, for a file that is made of this one. */
  readonly written: TypedValues;
}

/**
 * Reads a job file: YAML or JSON with the flags of an export.
 * @param environment for references to variables
 * @throws LakeportError of class `usage`, with line and column
 */
export function readJobFile(path: string, environment: NodeJS.ProcessEnv): JobFile {
  return new JobReader(new JobDocument(readText(path), path), environment).read();
}

/** The command line's values, and the file's where it has none: a flag that is typed replaces all of its values. */
export function overJobFile(typed: TypedValues, job: TypedValues = new Map()): TypedValues {
  const values = new Map([...job, ...typed]);
  // One destination replaces the other.
  const destinations = [FLAGS.outputDirectory.name, FLAGS.storageId.name];
  if (destinations.some((name) => typed.has(name))) {
    for (const name of destinations) if (!typed.has(name)) values.delete(name);
  }
  return values;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new LakeportError({
      code: 'JOB_FILE_NOT_READ',
      message: `The job file ${path} cannot be read: ${systemReason(cause)}`,
      hint: `Correct the path of ${spelling(FLAGS.config)}; lakeport plan --save PATH writes a job file.`,
      context: { path },
      cause,
    });
  }
}

/** A value as it is typed, before and after references are replaced. */
interface Typed {
  readonly written: string;
  readonly value: string;
  readonly at: number;
}

class JobReader {
  readonly #document: JobDocument;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #typed = new Map<Flag, Typed[]>();

  constructor(document: JobDocument, environment: NodeJS.ProcessEnv) {
    this.#document = document;
    this.#environment = environment;
  }

  read(): JobFile {
    const entries = this.#document.entries(this.#document.root);
    for (const { key, at, value } of entries) {
      if (key === SCHEMA_KEY || key === TABLES_KEY) continue;
      const flag = flagNamed(key, JOB_FLAGS);
      if (flag === undefined) throw this.#unknown(key, at, [...JOB_FLAGS.flatMap(namesOf), TABLES_KEY]);
      if (this.#typed.has(flag)) throw this.#document.problem(at, `${key} stands here for the second time`);
      this.#top(flag, value, at);
    }
    for (const { key, at, value } of entries) if (key === TABLES_KEY) this.#tables(value, at);
    for (const [flag, typed] of this.#typed) for (const one of typed) this.#check(flag, one);
    const texts = (of: (typed: Typed) => string) =>
      new Map(Array.from(this.#typed, ([flag, typed]) => [flag.name, flag.value === undefined ? [] : typed.map(of)]));
    return { values: texts(({ value }) => value), written: texts(({ written }) => written) };
  }

  #top(flag: Flag, value: Node | undefined, at: number): void {
    const texts = this.#document.texts(value, at);
    if (flag.value === undefined) {
      const [{ text, at: place } = { text: '', at }] = texts;
      if (texts.length !== 1 || !/^(?:true|false)$/i.test(text)) {
        throw this.#document.problem(place, `${flag.name} must be true or false`);
      }
      if (text.toLowerCase() === 'true') this.#typed.set(flag, [{ written: '', value: '', at }]);
      return;
    }
    const [, second] = texts;
    if (second !== undefined && !flag.repeatable) {
      throw this.#document.problem(second.at, `${flag.name} takes one value, not a list`);
    }
    for (const { text, at: place } of texts) this.#add(flag, { prefix: '', text, at: place });
  }

  #tables(value: Node | undefined, at: number): void {
    for (const table of this.#document.entries(this.#document.map(value, at, TABLES_KEY))) {
      const fields = new Map<string, { readonly text: string; readonly at: number }>();
      for (const { key, at: place, value: setting } of this.#settingsOf(table)) {
        const field = TABLE_CONFIG_FIELDS.find((one) => one === key);
        const flag = flagNamed(key, TABLE_FLAGS);
        if (field !== undefined) fields.set(field, this.#document.text(setting, place));
        else if (flag === undefined)
          throw this.#unknown(key, place, [...TABLE_CONFIG_FIELDS, ...TABLE_FLAGS.flatMap(namesOf)]);
        else this.#ofTable(flag, table.key, setting, place);
      }
      if (fields.size > 0) this.#config(table, fields);
    }
  }

  #settingsOf({ key, at, value }: { readonly key: string; readonly at: number; readonly value: Node | undefined }) {
    return this.#document.entries(this.#document.map(value, at, `what is set for ${key}`));
  }

  #ofTable(flag: Flag, pattern: string, value: Node | undefined, at: number): void {
    const form = tableForm(flag) satisfies TableForm | undefined;
    if (form === undefined) throw new TypeError(`${flag.name} is not set by table`);
    if (form.kind === 'columns') {
      const columns = this.#document.map(value, at, flag.name);
      for (const column of this.#document.entries(columns)) {
        const { text, at: place } = this.#document.text(column.value, column.at);
        this.#add(flag, { prefix: `${pattern}:${column.key}:`, text, at: place });
      }
      return;
    }
    const prefix = `${pattern}${form.separator}`;
    const texts = this.#document.texts(value, at);
    const joined = { text: texts.map((one) => one.text).join(','), at: texts[0]?.at ?? at };
    for (const one of form.isList ? [joined] : texts) this.#add(flag, { prefix, ...one });
  }

  /** Method, key and degree of a single table. */
  #config(
    table: { readonly key: string; readonly at: number },
    fields: ReadonlyMap<string, { readonly text: string; readonly at: number }>,
  ): void {
    if (/(?<!\\)%/.test(table.key)) {
      throw this.#document.problem(
        table.at,
        `${[...fields.keys()].join(', ')} are for a single table, and ${table.key} is a pattern`,
      );
    }
    const [method, key, degree] = TABLE_CONFIG_FIELDS.map((field) => fields.get(field)?.text ?? '');
    const name = table.key.replace(/\\([%_])/g, '$1');
    const text = `${name}:${method ?? ''}:${keyText(key ?? '')}:${degree ?? ''}`;
    this.#add(FLAGS.tableConfig, { prefix: '', text, at: table.at });
  }

  #add(
    flag: Flag,
    { prefix, text, at }: { readonly prefix: string; readonly text: string; readonly at: number },
  ): void {
    const written = prefix + text;
    const isKept = flag.keepsReferences === true;
    const value = isKept ? written : this.#document.interpolated(written, at, this.#environment);
    const typed = this.#typed.get(flag) ?? [];
    typed.push({ written, value, at });
    this.#typed.set(flag, typed);
  }

  /** Here, where the place of a wrong value is known. */
  #check(flag: Flag, { value, at }: Typed): void {
    if (flag.value === undefined) return;
    try {
      flag.read([value]);
    } catch (thrown) {
      const error = LakeportError.from(thrown);
      if (error.exit !== 'usage') throw thrown;
      const { message } = this.#document.problem(at, error.message);
      throw new LakeportError({ ...error.toData(), message, cause: error });
    }
  }

  #unknown(key: string, at: number, known: readonly string[]): LakeportError {
    const near = didYouMean(key, known);
    const text = `there is no setting ${JSON.stringify(key)}${near === undefined ? '' : `; did you mean ${near}?`}`;
    const isTable = TABLE_FLAGS.some((flag) => namesOf(flag).includes(normal(key)));
    const place = isTable
      ? undefined
      : 'Settings are the long flags without dashes; those of tables stand under tables: PATTERN:.';
    return this.#document.problem(at, text, place);
  }
}

/** A colon in a key would separate it from the degree. */
function keyText(key: string): string {
  return key.includes(':') && !key.startsWith('(') ? `(${key})` : key;
}

function namesOf({ name, aliases = [] }: Flag): string[] {
  return [name, ...aliases];
}

function normal(key: string): string {
  return key.replaceAll('-', '_');
}

function flagNamed(key: string, flags: readonly Flag[]): Flag | undefined {
  return flags.find((flag) => namesOf(flag).includes(normal(key)));
}
