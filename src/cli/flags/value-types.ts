import type { LakeportError } from '../../errors.js';
import type { Parallelism } from '../../export/model/options.js';
import { textOnRecord } from '../../export/model/plain-value.js';
import { MOST_PRECISION, validDecimal, validUnboundedNumeric } from '../../export/model/valid-columns.js';
import { availableCores } from '../../runtime/machine.js';
import type { UnboundedNumeric } from '../../sources/source.js';
import { didYouMean } from '../../text/did-you-mean.js';
import { parseAge, parseDuration, parseSize } from '../../text/units.js';
import type { FlagValue, ValueType } from './flag.js';
import { usageError } from './usage-error.js';

/** Types of flag values. */

export function wholeNumber(range: { readonly least: number; readonly most?: number }): ValueType<number> {
  const { least, most = Number.MAX_SAFE_INTEGER } = range;
  const isWithin = (number: number) => number >= least && number <= most;
  const limits = range.most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  return {
    parse: (given) => {
      const number = /^[+-]?\d+$/.test(given.value) ? Number(given.value) : NaN;
      if (isWithin(number)) return number;
      throw badValue(given, `a whole number ${limits}`);
    },
    restore: (recorded) => (Number.isInteger(recorded) && isWithin(Number(recorded)) ? Number(recorded) : undefined),
  };
}

/** One of the words, case-insensitive. */
export function oneOf<const T extends string>(words: readonly T[]): ValueType<T> {
  return {
    words,
    parse: (given) => {
      const found = words.find((word) => word.toLowerCase() === given.value.toLowerCase());
      if (found !== undefined) return found;
      const near = didYouMean(given.value, words);
      throw badValue(given, `one of ${words.join(', ')}${near === undefined ? '' : ` (did you mean ${near}?)`}`);
    },
    restore: (recorded) => words.find((word) => word === recorded),
  };
}

/** Some of the words, with commas, each once. */
export function someOf<const T extends string>(words: readonly T[]): ValueType<readonly T[]> {
  const one = oneOf(words);
  return {
    words,
    parse: ({ flag, value }) => [...new Set(value.split(',').map((item) => one.parse({ flag, value: item.trim() })))],
    restore: (recorded) => {
      if (!Array.isArray(recorded)) return undefined;
      const found = recorded.map((item) => one.restore(item));
      return found.every((item) => item !== undefined) ? found : undefined;
    },
  };
}

/** Maps typed words to their meanings. */
export function translated<T extends string, U extends string>(
  type: ValueType<T>,
  meanings: Readonly<Record<T, U>>,
): ValueType<U> {
  const known = new Set<unknown>(Object.values(meanings));
  return {
    ...type,
    parse: (given) => meanings[type.parse(given)],
    // `known` has only meanings.
    restore: (recorded) => (known.has(recorded) ? (recorded as U) : undefined),
  };
}

/** Milliseconds. */
export const DURATION: ValueType<number> = {
  parse: (given) => {
    const milliseconds = parseDuration(given.value);
    if (milliseconds !== undefined && milliseconds > 0) return milliseconds;
    throw badValue(given, 'a time such as 30s, 500ms or 2m, or a number of seconds');
  },
  restore: (recorded) => (typeof recorded === 'number' && recorded > 0 ? recorded : undefined),
};

/** Milliseconds, of any length. */
export const AGE: ValueType<number> = {
  parse: (given) => {
    const milliseconds = parseAge(given.value);
    if (milliseconds !== undefined) return milliseconds;
    throw badValue(given, 'an age such as 7d, 24h or 30m');
  },
  restore: (recorded) => (typeof recorded === 'number' && recorded >= 0 ? recorded : undefined),
};

/** The id of a stored sync. */
export const SYNC_ID: ValueType<string> = {
  parse: (given) => {
    if (/^[A-Za-z0-9][\w-]{0,63}$/.test(given.value)) return given.value;
    throw badValue(given, 'a name of up to 64 letters, digits, - and _');
  },
  restore: textOnRecord,
};

/** Bytes. @param range.least a whole number of KiB */
export function sizeOf({ least }: { readonly least: number }): ValueType<number> {
  return {
    parse: (given) => {
      const bytes = parseSize(given.value);
      if (bytes !== undefined && bytes >= least) return bytes;
      throw badValue(given, `a size of at least ${least >> 10} KiB, such as 512MiB, 1GB or a number of bytes`);
    },
    restore: (recorded) => (Number.isSafeInteger(recorded) && Number(recorded) >= least ? Number(recorded) : undefined),
  };
}

/** 0 means all cores, -N a share of them, N that many readers. */
export const PARALLELISM: ValueType<Parallelism> = {
  parse: (given) => parallelism(given, availableCores()),
  restore: (recorded) => (recorded === 'auto' || isCount(recorded) ? recorded : undefined),
};

export function parallelism(given: FlagValue, cores: number): Parallelism {
  if (given.value.toLowerCase() === 'auto') return 'auto';
  if (!/^[+-]?\d{1,4}$/.test(given.value)) {
    throw badValue(given, 'auto or a whole number (0: all cores, -N: cores/N)');
  }
  const number = Number(given.value);
  if (number > 0) return number;
  return number === 0 ? cores : Math.max(1, Math.floor(cores / -number));
}

export const UNBOUNDED_NUMERIC: ValueType<UnboundedNumeric> = {
  parse: (given) => {
    const word = given.value.toLowerCase().replaceAll(' ', '');
    if (word === 'text' || word === 'double') return { as: word };
    const [, digits, fraction = '0'] = /^decimal\((\d{1,3})(?:,(\d{1,3}))?\)$/.exec(word) ?? [];
    if (digits === undefined) throw badValue(given, 'text, double or decimal(p,s)');
    const decimal = validDecimal({ as: 'decimal', precision: digits, scale: fraction });
    if (decimal !== undefined) return decimal;
    throw badValue(given, `decimal(p,s) with p from 1 to ${MOST_PRECISION} and s from 0 to p`);
  },
  restore: validUnboundedNumeric,
};

/** Any UUID, in lower case. */
export const UUID: ValueType<string> = {
  parse: (given) => {
    if (isUuid(given.value)) return given.value.toLowerCase();
    throw badValue(given, 'a UUID such as 123e4567-e89b-42d3-a456-426614174000');
  },
  restore: (recorded) => (typeof recorded === 'string' && isUuid(recorded) ? recorded : undefined),
};

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** A run's id or its beginning, in lower case. */
export const RUN_ID_BEGIN: ValueType<string> = {
  parse: (given) => {
    if (/^[0-9a-f][0-9a-f-]{3,35}$/i.test(given.value)) return given.value.toLowerCase();
    throw badValue(given, 'the id of a run, or at least the first 4 letters of it');
  },
  restore: textOnRecord,
};

export const TEXT: ValueType<string> = { parse: notEmpty, restore: textOnRecord };

/** A value that is not used. */
export const ANYTHING: ValueType<string> = { parse: ({ value }) => value, restore: textOnRecord };

/** @throws LakeportError of class `usage` if the value is empty */
export function notEmpty({ flag, value }: FlagValue): string {
  if (value.trim() !== '') return value;
  throw usageError({
    code: 'EMPTY_VALUE',
    message: `${flag} is empty`,
    hint: 'Give it a value, or leave it out.',
    flag,
  });
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1;
}

function badValue({ flag, value }: FlagValue, expected: string): LakeportError {
  return usageError({ code: 'BAD_VALUE', message: `${flag} must be ${expected}, not ${JSON.stringify(value)}`, flag });
}
