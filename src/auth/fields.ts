import { z } from 'zod';

import { readLocalPath } from '../runtime/local-path.js';
import { didYouMean } from '../text/did-you-mean.js';
import { parseDuration, parseSize } from '../text/units.js';

/**
 * Types of entry fields. Each accepts what a person would write (numbers and flags also as strings, because references
 * to variables produce strings) and says what it expects. No message contains the value.
 */

/** What a field's values look like, for the JSON Schema of the auth file; a string may always be a reference. */
type Look = Readonly<Record<string, unknown>>;

/** A field read by `parse`, which returns undefined for an invalid value. */
function field<T>(expectation: string, look: Look, parse: (value: unknown) => T | undefined) {
  return anything({ ...look, description: capitalized(expectation) }).transform((value, context) => {
    const parsed = value === undefined ? undefined : parse(value);
    if (parsed !== undefined) return parsed;
    context.addIssue({ code: 'custom', message: value === undefined ? 'is missing' : `must be ${expectation}` });
    return z.NEVER;
  });
}

/** Any value, with what it should look like. */
export function anything(look: Look) {
  return z.unknown().meta(look);
}

/** The look of a word from a list, or a flag; the schema leaves other spellings to the program. */
export function oneOfWords(words: readonly (string | boolean)[]): Look {
  const hasFlags = words.some((word) => typeof word === 'boolean');
  return { anyOf: [{ enum: words }, { type: hasFlags ? ['string', 'boolean'] : 'string' }] };
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** A non-empty string. */
export const text = z
  .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a string') })
  .refine((value) => value.trim() !== '', 'is empty');

/** A path or a `file://` URL; `~/` is the user's home directory, anything else relative to the working directory. */
export const path = text.transform((value, context) => {
  const read = readLocalPath(value);
  if ('path' in read) return read.path;
  context.addIssue({ code: 'custom', message: read.problem });
  return z.NEVER;
});

export const flag = field('true or false', { type: ['boolean', 'string'] }, (value) => {
  if (typeof value === 'boolean') return value;
  const word = typeof value === 'string' ? value.toLowerCase() : undefined;
  return word === 'true' ? true : word === 'false' ? false : undefined;
});

export function wholeNumber(range: { readonly least: number; readonly most: number }) {
  const look = { type: ['integer', 'string'], minimum: range.least, maximum: range.most };
  return field(`a whole number from ${range.least} to ${range.most}`, look, (value) => {
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
    return number >= range.least && number <= range.most ? number : undefined;
  });
}

const QUANTITY: Look = { type: ['number', 'string'] };

/** Milliseconds, more than 0. */
export const duration = field(
  'a duration such as "30s", "500ms" or "2m", or a number of seconds',
  QUANTITY,
  (value) => {
    const milliseconds = parseDuration(value);
    return milliseconds === 0 ? undefined : milliseconds;
  },
);

/** Milliseconds; 0 for no limit. */
export const limit = field(
  'a duration such as "30s" or "2m", a number of seconds, or 0 for no limit',
  QUANTITY,
  parseDuration,
);

/** Bytes. */
export function size(range: { readonly least: number; readonly most: number; readonly words: string }) {
  return field(`a size ${range.words}, such as "8 MiB"`, QUANTITY, (value) => {
    const bytes = parseSize(value);
    return bytes !== undefined && bytes >= range.least && bytes <= range.most ? bytes : undefined;
  });
}

/** One of the words, case-insensitive. */
export function choice<T extends string>(words: readonly T[]) {
  return anything(oneOfWords(words)).transform((value, context) => {
    const given = typeof value === 'string' ? value : '';
    const found = words.find((word) => word.toLowerCase() === given.toLowerCase());
    if (found !== undefined) return found;
    const near = didYouMean(given, words);
    const suggestion = near === undefined ? '' : `; did you mean ${near}?`;
    const message = value === undefined ? 'is missing' : `must be one of ${words.join(', ')}${suggestion}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

const LIST: Look = { type: ['array', 'string'], items: { type: 'string' } };

/** A list, as an array or separated by commas. */
export const list = field('a list of strings, or one string with commas', LIST, (value) => {
  const items: unknown[] | undefined =
    typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : undefined;
  if (items === undefined || !items.every((item) => typeof item === 'string')) return undefined;
  return items.map((item) => item.trim()).filter((item) => item !== '');
});

const MAP: Look = { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } };

/** Names with values, which may also be numbers or flags. */
export const stringMap = field('an object of names with string values', MAP, (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries: [string, string][] = [];
  for (const [name, item] of Object.entries(value)) {
    if (typeof item !== 'string' && typeof item !== 'number' && typeof item !== 'boolean') return undefined;
    entries.push([name, String(item)]);
  }
  return Object.fromEntries(entries);
});

const STRING: Look = { type: 'string' };

/** The address of a server, without credentials, which would end up in messages. */
export const httpUrl = field(
  'a URL that begins with http:// or https://, without user and password',
  STRING,
  (value) => {
    if (typeof value !== 'string' || !/^https?:\/\//i.test(value) || !URL.canParse(value)) return undefined;
    const url = new URL(value);
    return url.username === '' && url.password === '' && url.search === '' ? value.replace(/\/+$/, '') : undefined;
  },
);

/** Directories below a bucket, without leading and trailing slashes. */
export const basePath = field('a path without . and .. and empty segments', STRING, (value) => {
  if (typeof value !== 'string') return undefined;
  const trimmed = value.replace(/^\/+|\/+$/g, '');
  if (trimmed === '') return '';
  const segments = trimmed.split('/');
  const bad = segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  return bad || /\p{Cc}/u.test(trimmed) ? undefined : trimmed;
});
