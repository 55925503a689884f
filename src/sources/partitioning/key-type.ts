import { LakeportError } from '../../errors.js';

/**
 * How key values travel to the server and back. A value is selected in a form that is lossless on any server: bytes and
 * doubles as on the wire, everything else as text that needs no special style. It returns as a literal of the key's own
 * type, so that comparisons follow the key's rules and can use its index; text that does not match the type's form is
 * never sent.
 */
export interface KeyType {
  /** As in CREATE TABLE. */
  readonly name: string;
  /** SELECT expression for a key, whose result `textOf` converts. */
  readonly value: (key: string) => string;
  /** A result as text; equal texts mean equal values. Undefined for NULL. */
  readonly textOf: (answer: unknown) => string | undefined;
  /** SQL literal of the value with this text. @throws LakeportError if the text does not match the type's form */
  readonly literal: (text: string) => string;
  /** For types with arithmetic: numbers, dates and times. */
  readonly scale: KeyScale | 'float' | undefined;
  /** Whether the type supports modulo. */
  readonly isInteger: boolean;
  /** Whether MIN works: it does not for `bit` of SQL Server. */
  readonly isOrdered: boolean;
  /** `MIN(key)` or `MAX(key)`, for types without these aggregates. */
  readonly extreme?: (which: 'MIN' | 'MAX', key: string) => string;
  /** A condition that only holds for values on the scale, for types with infinite values. */
  readonly isFinite?: (key: string) => string;
  /** As `SqlDialect.remainder`, for integers that need another one. */
  readonly remainder?: (key: string, divisor: number) => string;
  /** For dates and timestamps. */
  readonly calendar?: KeyCalendar;
  /** Wraps the key if its own comparisons would not be exact. */
  readonly wrap?: (key: string) => string;
  /** Whether keys that are equal always have the same text, which then says everything about them. */
  readonly isExact?: boolean;
  /** The text of a value in the name of a directory, if it is not that of `textOf`. */
  readonly nameOf?: (text: string) => string;
}

/** Maps values to integers in the same order. */
export interface KeyScale {
  readonly toPosition: (text: string) => bigint;
  readonly toText: (position: bigint) => string;
}

interface KeyCalendar {
  /** The type's last day, at most 9999-12-31. */
  readonly lastDay: string;
  /** SQL for the day of a value, as a date; NULL for values outside of the years 1 to 9999. */
  readonly day: (key: string) => string;
  /** For types with such values. */
  readonly outside?: {
    readonly condition: (key: string) => string;
    /** Text of the first value behind 9999. */
    readonly end: string;
  };
}

export interface TextForm {
  readonly name: string;
  readonly value: KeyType['value'];
  /** Matches the text of every value of the type. */
  readonly form: RegExp;
  /** Called only for text of that form. */
  readonly write: (text: string) => string;
}

/** `MIN(key)` or `MAX(key)`. */
export function extremeOf({ extreme }: KeyType, which: 'MIN' | 'MAX', key: string): string {
  return extreme === undefined ? `${which}(${key})` : extreme(which, key);
}

/** A type whose values are transferred as text. */
export function ofText({ name, value, form, write }: TextForm): KeyType {
  return {
    name,
    value,
    textOf: (answer) => (answer === null || answer === undefined ? undefined : textOfAnswer(answer)),
    literal: (text) => {
      if (!form.test(text)) throw notOfForm(name, text);
      return write(text);
    },
    scale: undefined,
    isInteger: false,
    isOrdered: true,
  };
}

/** Drivers return text, numbers or bigints. */
export function textOfAnswer(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  return typeof answer === 'bigint' || typeof answer === 'number' ? String(answer) : JSON.stringify(answer);
}

/** Positions of decimals with this many fractional digits; 0 for integers. */
export function decimalScale(scale: number): KeyScale {
  return {
    toPosition: (value) => {
      const [whole = '', fraction = ''] = value.split('.');
      return BigInt(whole + fraction.slice(0, scale).padEnd(scale, '0'));
    },
    toText: (position) => {
      const digits = String(position < 0n ? -position : position).padStart(scale + 1, '0');
      const point = digits.length - scale;
      const sign = position < 0n ? '-' : '';
      return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
    },
  };
}

/** Positions of instants; no bound needs to be finer than a second. */
export function momentScale({
  stepSeconds,
  isDate,
}: {
  readonly stepSeconds: number;
  readonly isDate: boolean;
}): KeyScale {
  return {
    toPosition: (value) => floorDivide(secondsOf(value), BigInt(stepSeconds)),
    toText: (position) => {
      const iso = new Date(Number(position) * stepSeconds * 1000).toISOString();
      return isDate ? iso.slice(0, 10) : iso.slice(0, 19);
    },
  };
}

const DAY = /^\d{4}-\d\d-\d\d$/;

/** @throws LakeportError for text that is not a day, since it goes into queries and paths */
export function checkDay(text: string): string {
  const day = text.slice(0, 10);
  if (!DAY.test(day)) throw notOfForm('date', day);
  return day;
}

/** Whole seconds since 1970; finer digits are truncated. */
function secondsOf(iso: string): bigint {
  const seconds = Date.parse(`${iso.length <= 10 ? `${iso}T00:00:00` : iso.slice(0, 19).replace(' ', 'T')}Z`) / 1000;
  return BigInt(Math.floor(seconds));
}

function floorDivide(value: bigint, by: bigint): bigint {
  return (value - (((value % by) + by) % by)) / by;
}

const LONGEST_SHOWN = 60;

export function notOfForm(type: string, text: string): LakeportError {
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}...` : text;
  return new LakeportError({
    code: 'PARTITION_KEY_NOT_EXACT',
    message: `The server returns a value of the partition key as ${JSON.stringify(shown)}, which is not a valid ${type}`,
    hint: 'Use another key or method for this table in --table-config, or None.',
  });
}
