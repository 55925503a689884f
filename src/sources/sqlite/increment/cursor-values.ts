import {
  type MomentText,
  momentText,
  offsetSeconds,
  parseMoment,
  secondsBefore,
  withSeconds,
} from '../../moment-text.js';
import { textLiteral } from '../../../text/sql-quotes.js';
import { integerLiteral } from '../literals.js';

/**
 * What the values of a cursor are: integers, or text in one form of ISO 8601 that sorts as time. SQLite has no type for
 * times, and values of different storage classes sort by their class.
 */
export interface CursorValues {
  /** For messages: `text as in 2025-01-31 12:00:00`. */
  readonly like: string;
  /** How a column is compared. Text by its bytes: another collation may take different values for the same. */
  key(column: string): string;
  /** A condition that NULL and values of another kind do not meet. */
  fits(column: string, bytesPerCharacter: number): string;
  /** Conditions that values of other storage classes meet, which an index of the column answers. */
  otherClasses(key: string): readonly string[];
  literal(value: string): string;
  isGreater(a: string, b: string): boolean;
  /** The value in its usual notation; undefined if it is none of these. */
  read(value: string): string | undefined;
  /** A user's value in the form of these; undefined if it has none. */
  convert(value: string): string | undefined;
  /** The value so many seconds before; undefined if these are no times, or none that exists. */
  before(value: string, seconds: number): string | undefined;
  /** The least of the values that mean the same. */
  least(value: string): string;
}

const INTEGER = /^[+-]?\d{1,19}$/;
const LIMIT = 2n ** 63n;

/** Any integers: numbers, or times in a unit that the file does not tell. */
export const INTEGERS: CursorValues = {
  like: 'integers',
  key: (column) => column,
  fits: (column) => `typeof(${column}) = 'integer'`,
  otherClasses: (key) => [`${key} >= ''`],
  literal: integerLiteral,
  isGreater: (a, b) => BigInt(a) > BigInt(b),
  read: readInteger,
  convert: readInteger,
  before: () => undefined,
  least: (value) => value,
};

function readInteger(text: string): string | undefined {
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return value >= -LIMIT && value < LIMIT ? value.toString() : undefined;
}

/** Text in the form of this one. */
export function momentsLike(example: MomentText): CursorValues {
  const { separator, time, fraction, zone } = example;
  const hasSeconds = time.length > 'HH:MM'.length;
  // Before a Z, a dot would sort first. Before an offset, or at the end, fewer digits do, as they should.
  const isVariable = hasSeconds && zone !== 'Z';
  const isAlike = (other: MomentText) =>
    other.separator === separator &&
    other.time.length === time.length &&
    other.zone === zone &&
    (isVariable || other.fraction.length === fraction.length);
  const read = (text: string) => {
    const moment = parseMoment(text);
    return moment !== undefined && isAlike(moment) ? moment : undefined;
  };
  return {
    like: `text as in ${momentText(example)}`,
    key: (column) => `${column} COLLATE BINARY`,
    fits: (column, bytesPerCharacter) =>
      [
        `typeof(${column}) = 'text'`,
        // length() ends at a NUL.
        `octet_length(${column}) = ${bytesPerCharacter} * length(${column})`,
        isVariable ? variableForm(column, example) : `${column} GLOB ${pattern(example)}`,
      ].join(' AND '),
    otherClasses: (key) => [`${key} < ''`, `${key} >= x''`],
    literal: textLiteral,
    // Of its characters, JavaScript compares the codes, as SQLite does.
    isGreater: (a, b) => a > b,
    read: (text) => (read(text) === undefined ? undefined : text),
    convert: (text) => {
      const moment = parseMoment(text);
      const converted = moment && inForm(moment, example, isVariable);
      return converted && momentText(converted);
    },
    before: (text, seconds) => {
      const moment = read(text);
      const then = moment && secondsBefore(moment, seconds);
      return then && momentText(then);
    },
    least: (text) => {
      const moment = isVariable ? read(text) : undefined;
      return moment === undefined ? text : momentText({ ...moment, fraction: moment.fraction.replace(/0+$/, '') });
    },
  };
}

const DIGIT = '[0-9]';
const DAY = `${DIGIT.repeat(4)}-[01]${DIGIT}-[0-3]${DIGIT}`;
const SECOND_LENGTH = '2025-01-31T12:34:56'.length;

/** For GLOB, which distinguishes the case. */
function pattern({ separator, time, fraction, zone }: MomentText): string {
  const [hours, , seconds] = time.split(':');
  const clock = hours === '' ? '' : `[0-2]${DIGIT}:[0-5]${DIGIT}${seconds === undefined ? '' : `:[0-6]${DIGIT}`}`;
  return textLiteral(`${DAY}${separator}${clock}${fraction === '' ? '' : `.${DIGIT.repeat(fraction.length)}`}${zone}`);
}

/** With seconds, and any number of digits of their fraction. */
function variableForm(column: string, example: MomentText): string {
  const whole = pattern({ ...example, fraction: '' });
  const before = pattern({ ...example, fraction: '', zone: '' }).slice(0, -1);
  const digits = `substr(${column}, ${SECOND_LENGTH + 2}, length(${column}) - ${SECOND_LENGTH + 1 + example.zone.length})`;
  return `(${column} GLOB ${whole} OR ${column} GLOB ${before}.${DIGIT}*${example.zone}' AND ${digits} NOT GLOB '*[^0-9]*')`;
}

/** A user's moment as the column would have it: what is left out is 0, and what the form cannot hold must be 0. */
function inForm(moment: MomentText, example: MomentText, isVariable: boolean): MomentText | undefined {
  const inZone = atOffset(moment, example.zone);
  if (inZone === undefined) return undefined;
  const { day, time: seconds, fraction } = withSeconds(inZone);
  const lost = seconds.slice(example.time.length) + (isVariable ? '' : fraction.slice(example.fraction.length));
  if (/[1-9]/.test(lost)) return undefined;
  return {
    ...{ day, separator: example.separator, time: seconds.slice(0, example.time.length), zone: example.zone },
    fraction: isVariable
      ? fraction.replace(/0+$/, '')
      : fraction.padEnd(example.fraction.length, '0').slice(0, example.fraction.length),
  };
}

/** The same moment with another offset. Without one it is taken to have that of the column. */
function atOffset(moment: MomentText, zone: string): MomentText | undefined {
  if (moment.zone === '' || moment.zone === zone) return { ...moment, zone };
  // Nobody knows of what zone the column's values are.
  if (zone === '') return undefined;
  return secondsBefore({ ...moment, zone }, offsetSeconds(moment.zone) - offsetSeconds(zone));
}
