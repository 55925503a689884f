import type { ColumnSpec } from '../../columns/column-spec.js';
import { LakeportError } from '../../errors.js';
import type { ReadColumn } from '../source.js';
import { splitExpressions } from './expression.js';
import { resolveKey, type SliceKey } from './key.js';
import { type Period, parsePeriods } from './periods.js';
import type { KeyedTable } from './sql-dialect.js';

/** What a table's directories are made of, in the user's words: `year(day), month(day), region AS area`. */
export type DirectoryKeyText =
  | { readonly kind: 'value'; readonly text: string; readonly alias: string | undefined }
  | { readonly kind: 'period'; readonly text: string; readonly period: Period };

/** The same, found in a table. A value has one name; a period those of year, month, day or week. */
export interface DirectoryKey {
  readonly key: SliceKey;
  /** Undefined for one directory per value. */
  readonly period: Period | undefined;
  readonly names: readonly string[];
  /** The column that the directory's name stands for: files need not have it. */
  readonly replaces: string | undefined;
}

const ALIAS = /^(.*\S)\s+as\s+("(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_]*)$/isu;
const CALL = /^(year|month|day|week)\s*\((.*)\)$/is;

/**
 * Reads a list of columns and expressions. `year(x)`, `year(x), month(x)`, `year(x), month(x), day(x)` and
 * `year(x), week(x)` are the periods of a date, whatever functions the source has.
 * @throws LakeportError for an incomplete list
 */
export function parseDirectoryKeys(list: string): DirectoryKeyText[] {
  const keys: DirectoryKeyText[] = [];
  const items = splitExpressions(list);
  for (let at = 0; at < items.length;) {
    const item = items[at] ?? '';
    const [, first, inner = ''] = CALL.exec(item) ?? [];
    if (first === undefined) {
      const [, text = item, alias] = ALIAS.exec(item) ?? [];
      keys.push({
        kind: 'value',
        text,
        alias: alias?.startsWith('"') ? alias.slice(1, -1).replaceAll('""', '"') : alias,
      });
      at++;
      continue;
    }
    const words: string[] = [];
    for (; at < items.length; at++) {
      const [, word, argument] = CALL.exec(items[at] ?? '') ?? [];
      if (word === undefined || argument !== inner || (words.length > 0 && /^year$/i.test(word))) break;
      words.push(word);
    }
    keys.push({ kind: 'period', text: inner, period: parsePeriods(words.join(','), list) });
  }
  return keys;
}

/** @throws LakeportError if a column or type does not suit */
export async function resolveDirectoryKeys(
  table: KeyedTable,
  texts: readonly DirectoryKeyText[],
): Promise<DirectoryKey[]> {
  const keys: SliceKey[] = [];
  // One after the other: a driver may take no second question before it has answered the first.
  for (const { text, kind } of texts) keys.push(await resolveKey(table, text, { isMoment: kind === 'period' }));
  const wanted = texts.map((text, index) => replacedBy(text, keys[index]));
  // A file needs a column.
  const isAll = new Set(wanted).size >= table.columns.length && !wanted.includes(undefined);
  const replaced = isAll ? wanted.map(() => undefined) : wanted;
  const taken = new Set(
    table.columns
      .map(({ spec }) => spec.name)
      .filter((name) => !replaced.includes(name))
      .map(folded),
  );
  return keys.flatMap((key, index): DirectoryKey[] => {
    const text = texts[index];
    if (text === undefined) return [];
    const replaces = replaced[index];
    if (text.kind === 'period') {
      const names = PERIOD_NAMES[text.period].map((name) => freeName(name, taken));
      return [{ key, period: text.period, names, replaces: undefined }];
    }
    if (text.alias !== undefined && taken.has(folded(text.alias)) && replaces === undefined)
      throw nameTaken(text.alias);
    const name = text.alias ?? key.column?.spec.name ?? nameOfExpression(text.text);
    return [{ key, period: undefined, names: [freeName(name, taken)], replaces }];
  });
}

const PERIOD_NAMES: Readonly<Record<Period, readonly string[]>> = {
  year: ['year'],
  month: ['year', 'month'],
  day: ['year', 'month', 'day'],
  week: ['year', 'week'],
};

/** A column whose values readers take from the directories: its text there is the value, and equal keys have equal texts. */
function replacedBy(text: DirectoryKeyText, { column, type }: Partial<SliceKey> = {}): string | undefined {
  if (text.kind === 'period' || column === undefined || type?.isExact !== true || !isNamed(column.spec))
    return undefined;
  const { name } = column.spec;
  return text.alias === undefined || text.alias === name ? name : undefined;
}

function isNamed({ list, type: { physical, logical } }: ColumnSpec): boolean {
  if (list) return false;
  if (logical === undefined) return physical === 'INT32' || physical === 'INT64' || physical === 'BOOLEAN';
  return logical.kind === 'integer' || logical.kind === 'date' || logical.kind === 'string';
}

/** `year` of EXTRACT(YEAR FROM x), `lower` of lower(x). */
function nameOfExpression(text: string): string {
  const [, field] = /^\(*\s*(?:extract\s*\(\s*|date_part\s*\(\s*')(\w+)/i.exec(text) ?? [];
  const [, called] = /^\(*\s*(?:\w+\.)?([\p{L}_]\w*)\s*\(/iu.exec(text) ?? [];
  return (field ?? called ?? 'key').toLowerCase();
}

/** Names for levels of directories that no column has. */
export function freeNames(names: readonly string[], columns: readonly ReadColumn[]): string[] {
  const taken = new Set(columns.map(({ spec }) => folded(spec.name)));
  return names.map((name) => freeName(name, taken));
}

/** Readers fold case, and would mistake a directory for a column of the same name. */
function freeName(name: string, taken: Set<string>): string {
  let free = name;
  while (taken.has(folded(free))) free = `${free}_key`;
  taken.add(folded(free));
  return free;
}

function folded(name: string): string {
  return name.toLowerCase();
}

function nameTaken(name: string): LakeportError {
  return new LakeportError({
    code: 'PARTITION_KEY_UNSUITABLE',
    message: `Directories cannot be called ${name}: the table has a column of that name, which stays in the files`,
    hint: 'Choose another name after AS',
    context: { detail: name },
  });
}
