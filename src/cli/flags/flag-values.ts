import { parseDuration } from '../../text/units.js';
import type { LakeportError } from '../../errors.js';
import type { Codec } from '../../parquet/codec.js';
import type { Parallelism, Route } from '../../export/model/options.js';
import { didYouMean } from '../../text/did-you-mean.js';
import type { UnboundedNumeric } from '../../sources/source.js';
import { usageError } from './usage-error.js';

/** Values of flags, from the words of the command line. All throw `LakeportError` of class `usage`. */

const MOST_PRECISION = 38;

export interface FlagValue {
  /** With its dashes. */
  readonly flag: string;
  readonly value: string;
}

export function wholeNumber(
  { flag, value }: FlagValue,
  range: { readonly least: number; readonly most?: number },
): number {
  const { least, most = Number.MAX_SAFE_INTEGER } = range;
  const number = /^[+-]?\d+$/.test(value) ? Number(value) : NaN;
  if (number >= least && number <= most) return number;
  const limits = range.most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  throw badValue({ flag, value }, `a whole number ${limits}`);
}

/** One of the words, in any case. */
export function oneOf<T extends string>({ flag, value }: FlagValue, words: readonly T[]): T {
  const found = words.find((word) => word.toLowerCase() === value.toLowerCase());
  if (found !== undefined) return found;
  const near = didYouMean(value, words);
  throw badValue({ flag, value }, `one of ${words.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
}

/** Milliseconds. */
export function duration({ flag, value }: FlagValue): number {
  const milliseconds = parseDuration(value);
  if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
  throw badValue({ flag, value }, 'a time such as 30s, 500ms or 2m, or a number of seconds');
}

export function codec(given: FlagValue): Codec {
  return oneOf<Codec>(given, ['Zstd', 'Snappy', 'Gzip', 'Lz4', 'None']);
}

/** 0 means all cores, -N a share of them, N that many readers. */
export function parallelism({ flag, value }: FlagValue, cores: number): Parallelism {
  if (value.toLowerCase() === 'auto') return 'auto';
  if (!/^[+-]?\d{1,4}$/.test(value))
    throw badValue({ flag, value }, 'auto or a whole number (0: all cores, -N: cores/N)');
  const number = Number(value);
  if (number > 0) return number;
  return number === 0 ? cores : Math.max(1, Math.floor(cores / -number));
}

export function unboundedNumeric({ flag, value }: FlagValue): UnboundedNumeric {
  const word = value.toLowerCase().replaceAll(' ', '');
  if (word === 'text' || word === 'double') return { as: word };
  const [, digits, fraction = '0'] = /^decimal\((\d{1,3})(?:,(\d{1,3}))?\)$/.exec(word) ?? [];
  if (digits === undefined) throw badValue({ flag, value }, 'text, double or decimal(p,s)');
  const precision = Number(digits);
  const scale = Number(fraction);
  if (precision < 1 || precision > MOST_PRECISION || scale > precision) {
    throw badValue({ flag, value }, `decimal(p,s) with p from 1 to ${MOST_PRECISION} and s from 0 to p`);
  }
  return { as: 'decimal', precision, scale };
}

/** Any UUID, in lower case. */
export function uuid({ flag, value }: FlagValue): string {
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) return value.toLowerCase();
  throw badValue({ flag, value }, 'a UUID such as 123e4567-e89b-42d3-a456-426614174000');
}

/** A run's id or its beginning, in lower case. */
export function runIdBegin({ flag, value }: FlagValue): string {
  if (/^[0-9a-f][0-9a-f-]{3,35}$/i.test(value)) return value.toLowerCase();
  throw badValue({ flag, value }, 'the id of a run, or at least the first 4 letters of it');
}

export function notEmpty({ flag, value }: FlagValue): string {
  if (value.trim() !== '') return value;
  throw usageError({ code: 'EMPTY_VALUE', message: `${flag} is empty`, flag });
}

/**
 * LIKE patterns with commas between them, blanks around them left out. A comma in a name is written `\,`, since a
 * backslash makes any letter of a pattern stand for itself.
 */
export function patterns({ flag, value }: FlagValue): string[] {
  const items = splitAtCommas(value).map((item) => item.trim());
  for (const item of items) {
    const problem = patternProblem(item);
    if (problem === undefined) continue;
    throw usageError({
      code: 'BAD_PATTERN',
      message: `${flag} holds ${problem}: ${JSON.stringify(value)}`,
      hint: 'It takes SQL LIKE patterns with commas between them: % for any letters, _ for one, and \\ before a letter that stands for itself.',
      flag,
    });
  }
  return items;
}

/**
 * `PATTERN=STORAGE_ID[/PATH]`, the path as it was typed. A backslash before `=` or `/` takes it as part of a name.
 */
export function route({ flag, value }: FlagValue): Route {
  const [, list, id = '', subPath] =
    /^((?:[^\\=]|\\[\s\S])*)=((?:[^\\/]|\\[\s\S])*)(?:\/([\s\S]*))?$/.exec(value) ?? [];
  const storageId = id.replace(/\\([\s\S])/g, '$1');
  if (list === undefined || storageId.trim() === '' || subPath === '') {
    throw usageError({
      code: 'BAD_ROUTE',
      message: `${flag} must be PATTERN=STORAGE_ID or PATTERN=STORAGE_ID/PATH, not ${JSON.stringify(value)}`,
      hint: `For example ${flag} 'sales.%=s3_eu' or ${flag} '%.audit_%=azure_cold/archive'.`,
      flag,
    });
  }
  return { patterns: patterns({ flag, value: list }), storageId, subPath: subPath ?? '' };
}

function splitAtCommas(list: string): string[] {
  const items = [''];
  for (const [letter] of list.matchAll(/\\?[\s\S]/g)) {
    if (letter === ',') items.push('');
    else items.push((items.pop() ?? '') + letter);
  }
  return items;
}

function patternProblem(pattern: string): string | undefined {
  if (pattern === '') return 'an empty pattern';
  if (/^(?:[^\\]|\\[\s\S])*\\$/.test(pattern)) return 'a pattern that ends in a single backslash';
  if (/^\.|^(?:[^\\]|\\[\s\S])*\.$/.test(pattern)) return 'a pattern with nothing before or after its dot';
  return undefined;
}

function badValue({ flag, value }: FlagValue, expected: string): LakeportError {
  return usageError({ code: 'BAD_VALUE', message: `${flag} must be ${expected}, not ${JSON.stringify(value)}`, flag });
}
