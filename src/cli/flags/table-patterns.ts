import type { Route } from '../../export/model/options.js';
import type { FlagValue, ValueType } from './flag.js';
import { usageError } from './usage-error.js';
import { listOnRecord, textOnRecord } from '../../export/model/plain-value.js';
import { validRoute } from '../../export/model/valid-data.js';

/**
 * LIKE patterns separated by commas, trimmed. A comma in a name is written `\,`, since a backslash makes any character
 * of a pattern literal.
 */
export const PATTERNS: ValueType<readonly string[]> = {
  parse: patterns,
  restore: (recorded) => listOnRecord(recorded, textOnRecord),
};

/**
 * `PATTERN=STORAGE_ID[/PATH]`, the path as typed. A backslash makes `=` or `/` part of a name.
 */
export const ROUTES: ValueType<readonly Route[]> = {
  parse: (given) => [route(given)],
  restore: (recorded) => listOnRecord(recorded, validRoute),
};

function patterns({ flag, value }: FlagValue): string[] {
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

function route({ flag, value }: FlagValue): Route {
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
