import { LakeportError } from '../../errors.js';

/**
 * How a key's values go to the server and back. A value is asked for in a form that loses nothing on any server: bytes
 * and doubles as the wire has them, the rest as text that needs no style of its own. It goes back in a literal of the
 * key's own type, so that comparisons are those of the key and an index on it is of use; a text that is not of the
 * type's form goes nowhere.
 */
export interface KeyType {
  /** As in CREATE TABLE. */
  readonly name: string;
  /** What is asked for, given the key: `textOf` takes the answer. */
  readonly value: (key: string) => string;
  /** An answer as text, which two values share only if they are equal. Undefined for NULL. */
  readonly textOf: (answer: unknown) => string | undefined;
  /** The value with this text, in SQL. @throws LakeportError where the text is not of the type's form */
  readonly literal: (text: string) => string;
  /** Given where values can be counted with: numbers, dates and times. */
  readonly scale: KeyScale | 'float' | undefined;
  /** Whether the type supports modulo. */
  readonly isInteger: boolean;
  /** Whether the server finds the least of several values: it does not for `bit` of SQL Server. */
  readonly isOrdered: boolean;
  /** Of dates and times with their date. */
  readonly calendar?: KeyCalendar;
  /** Put around the key itself, where its comparisons would not be exact otherwise. */
  readonly wrap?: (key: string) => string;
}

/** Values as whole numbers, in their order. */
export interface KeyScale {
  readonly toPosition: (text: string) => bigint;
  readonly toText: (position: bigint) => string;
}

interface KeyCalendar {
  /** The last day that the type has. */
  readonly lastDay: string;
  /** The day of a value, as a date. */
  readonly day: (key: string) => string;
}

export interface TextForm {
  readonly name: string;
  readonly value: KeyType['value'];
  /** Of every text that the type's values have. */
  readonly form: RegExp;
  /** Only called for texts of that form. */
  readonly write: (text: string) => string;
}

/** A type whose values come and go as text. */
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

/** Text, numbers and bigints are what drivers answer with. */
export function textOfAnswer(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  return typeof answer === 'bigint' || typeof answer === 'number' ? String(answer) : JSON.stringify(answer);
}

/** Positions of decimals with so many digits behind the point; 0 for whole numbers. */
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

/** Positions of moments; no bound needs to be finer than a second. */
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

/** @throws LakeportError for what is no day: it would go into queries and directories */
export function checkDay(text: string): string {
  const day = text.slice(0, 10);
  if (!DAY.test(day)) throw notOfForm('date', day);
  return day;
}

/** Whole seconds since 1970; what is finer is cut off. */
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
    exit: 'tables-failed',
    message: `The server writes a value of the partition key as ${JSON.stringify(shown)}, which is not a valid ${type}`,
    hint: 'Use another key or method for this table in --table-config, or None.',
  });
}
