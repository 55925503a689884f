import { validSettings, validTexts } from '../../export/model/valid-data.js';
import type { TableSetting } from '../../export/model/table-setting.js';
import type { FlagValue, ValueType } from './flag.js';
import { usageError } from './usage-error.js';

/**
 * Values of the form `PATTERN:VALUE`, for what is set by table. A pattern is a LIKE pattern, as in `--include`. A name in
 * double quotes or in brackets stands for itself, as does a character after a backslash.
 */

export interface SettingForm {
  /** How the whole value is written, e.g. `PATTERN:CONDITION`. */
  readonly form: string;
  /** A complete value, e.g. `sales.%:amount > 0`. */
  readonly example: string;
}

/** A type of repeatable flags: what follows the pattern is read by `value`. */
export function tableSettings<T>(
  value: Pick<ValueType<T>, 'parse' | 'restore'>,
  form: SettingForm,
): ValueType<readonly TableSetting<T>[]> {
  return {
    parse: ({ flag, value: text }) => {
      const { pattern, rest } = takePattern({ flag, value: text }, ':');
      if (rest === undefined || rest.trim() === '') throw badForm({ flag, value: text }, form);
      return [{ pattern, value: value.parse({ flag, value: rest.trim() }) }];
    },
    restore: (recorded) => validSettings(recorded, value.restore),
  };
}

/** LIKE patterns of names, separated by commas, e.g. of columns. */
export const NAME_PATTERNS: ValueType<readonly string[]> = {
  parse: (given) => {
    const patterns: string[] = [];
    for (let rest: string | undefined = given.value; rest !== undefined;) {
      const taken = takePattern({ ...given, value: rest, whole: given.value }, ',');
      patterns.push(taken.pattern);
      rest = taken.rest;
    }
    return patterns;
  },
  restore: validTexts,
};

/** A text that begins with a pattern. */
interface PatternText extends FlagValue {
  /** What errors show, if the text is the rest of it. */
  readonly whole?: string;
}

/** A character with its escape, or any other character. */
const TOKEN = /\\[\s\S]|[\s\S]/uy;
/** Where a name begins, it may be in quotes or brackets, whose doubled closing ones are one. */
const FIRST_TOKEN = new RegExp(
  `"(?<quoted>(?:[^"]|"")*)"|\\[(?<bracketed>(?:[^\\]]|\\]\\])*)\\]|${TOKEN.source}`,
  'uy',
);

/**
 * The LIKE pattern that a text begins with, without quotes and trimmed, and what follows the first character of `ends`
 * outside of quotes; undefined if there is none.
 * @throws LakeportError of class `usage` if there is no pattern, or a quote is not closed
 */
export function takePattern(
  given: PatternText,
  ends: string,
): { readonly pattern: string; readonly end?: string | undefined; readonly rest?: string | undefined } {
  const { value } = given;
  const tokens: string[] = [];
  let isNameStart = true;
  for (let at = 0; at < value.length;) {
    const { 0: token, groups = {} } = tokenAt(isNameStart ? FIRST_TOKEN : TOKEN, value, at);
    at += token.length;
    if (ends.includes(token)) return { pattern: checked(tokens, given), end: token, rest: value.slice(at) };
    if (token === '"' && isNameStart) throw badPattern(given, 'a " that nothing closes; \\" is the character itself');
    const { quoted, bracketed } = groups;
    isNameStart = token === '.' || token === ',' || (isNameStart && token.trim() === '');
    if (quoted !== undefined) tokens.push(literally(quoted.replaceAll('""', '"')));
    else tokens.push(bracketed === undefined ? token : literally(bracketed.replaceAll(']]', ']')));
  }
  return { pattern: checked(tokens, given) };
}

function tokenAt(token: RegExp, text: string, at: number): RegExpExecArray {
  token.lastIndex = at;
  const found = token.exec(text);
  if (found === null) throw new TypeError('Any character is a token');
  return found;
}

/** The name itself, of one that may be in quotes or brackets. */
export function unquoted(name: string): string {
  const quoted = /^"((?:[^"]|"")*)"$/s.exec(name)?.[1];
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  const bracketed = /^\[((?:[^\]]|\]\])*)\]$/s.exec(name)?.[1];
  return bracketed === undefined ? name : bracketed.replaceAll(']]', ']');
}

/** As a pattern that matches nothing else, also where it is read again. */
function literally(name: string): string {
  return name.replace(/[\\%_.,:="[\s]/g, '\\$&');
}

/** The pattern without spaces around it, other than escaped ones. */
function checked(tokens: readonly string[], given: PatternText): string {
  const isText = (token: string) => token.trim() !== '';
  const pattern = tokens.slice(tokens.findIndex(isText), tokens.findLastIndex(isText) + 1);
  const [first] = pattern;
  if (first === undefined) throw badPattern(given, 'an empty pattern');
  if (pattern.at(-1) === '\\') throw badPattern(given, 'a pattern that ends in a single backslash');
  if (first === '.' || pattern.at(-1) === '.') {
    throw badPattern(given, 'a pattern with nothing before or after its dot');
  }
  return pattern.join('');
}

function badPattern({ flag, value, whole = value }: PatternText, problem: string): Error {
  return usageError({
    code: 'BAD_PATTERN',
    message: `${flag} holds ${problem}: ${JSON.stringify(whole)}`,
    hint: 'It takes LIKE patterns: % for any letters, _ for one, \\ before a letter that stands for itself, and "…" around a name.',
    flag,
  });
}

function badForm({ flag, value }: FlagValue, { form, example }: SettingForm): Error {
  return usageError({
    code: 'BAD_VALUE',
    message: `${flag} must be ${form}, not ${JSON.stringify(value)}`,
    hint: `For example ${flag} '${example}'.`,
    flag,
  });
}
