import { textLiteral } from '../../../text/sql-quotes.js';
import {
  decimalScale,
  type KeyType,
  momentScale,
  notOfForm,
  ofText,
  textOfAnswer,
  type TextForm,
} from '../../partitioning/key-type.js';
import type { WireType } from '../tds/wire-type.js';

const INTEGERS: Readonly<Record<number, string>> = { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' };
/** `dataLength` of the (max) types. */
const MAX = 0xffff;

/** From the type that the server declares for the key. Undefined for types that cannot be compared. */
export function keyTypeOf(wire: WireType): KeyType | undefined {
  const { name, dataLength, precision = 0, scale = 0 } = wire;
  switch (name) {
    case 'TinyInt':
      return integer('tinyint');
    case 'SmallInt':
      return integer('smallint');
    case 'Int':
      return integer('int');
    case 'BigInt':
      return integer('bigint');
    case 'IntN':
      return integer(INTEGERS[dataLength ?? 8] ?? 'bigint');
    case 'DecimalN':
    case 'NumericN':
      return { ...decimal(precision, scale), isInteger: scale === 0 };
    case 'Money':
    case 'SmallMoney':
    case 'MoneyN':
      return MONEY;
    case 'Real':
    case 'Float':
    case 'FloatN':
      return FLOAT;
    case 'Date':
      return DATE;
    case 'SmallDateTime':
      return SMALL_DATE_TIME;
    case 'DateTime':
      return moment({ type: 'datetime' });
    case 'DateTimeN':
      return dataLength === 4 ? SMALL_DATE_TIME : moment({ type: 'datetime' });
    case 'DateTime2':
      return moment({ type: 'datetime2', digits: scale });
    case 'DateTimeOffset':
      return instant(scale);
    case 'Time':
      return ofText({
        name: `time(${scale})`,
        value: (key) => `CONVERT(nvarchar(40), ${key}, 126)`,
        form: /^\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?$/,
        write: (text) => `CAST(${quoteText(text)} AS time(${finer(scale, text)}))`,
      });
    case 'NVarChar':
    case 'NChar':
      return TEXT;
    case 'VarChar':
    case 'Char':
      // Strings in a code page compare by other rules than Unicode; Unicode has all of their characters.
      return { ...TEXT, wrap: (key) => `CONVERT(nvarchar(4000), ${key})` };
    case 'UniqueIdentifier':
      return ofText({
        name: 'uniqueidentifier',
        value: (key) => `CONVERT(nvarchar(36), ${key})`,
        form: /^[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}$/i,
        write: (text) => `CAST(${quoteText(text)} AS uniqueidentifier)`,
      });
    case 'Bit':
    case 'BitN':
      return {
        ...ofText({
          name: 'bit',
          value: (key) => `CONVERT(nvarchar(1), ${key})`,
          form: /^[01]$/,
          write: (text) => `CAST(${text} AS bit)`,
        }),
        isOrdered: false,
      };
    case 'VarBinary':
    case 'Binary':
      // Of longer values only the leading bytes count, both in comparisons and in queries.
      return dataLength === MAX ? { ...BINARY, wrap: (key) => `CONVERT(varbinary(8000), ${key})` } : BINARY;
    default:
      return undefined;
  }
}

/** A quoted Unicode literal, with its quotes doubled. */
function quoteText(value: string): string {
  return `N${textLiteral(value)}`;
}

const TEXT = ofText({ name: 'nvarchar', value: (key) => key, form: /^/, write: quoteText });

const BINARY: KeyType = {
  ...ofText({
    name: 'varbinary(8000)',
    value: (key) => `CONVERT(varbinary(8000), ${key})`,
    form: /^0x(?:[0-9A-F]{2})*$/,
    write: (text) => text,
  }),
  textOf: (answer) => {
    if (answer === null || answer === undefined) return undefined;
    if (!(answer instanceof Uint8Array)) return textOfAnswer(answer);
    return `0x${Buffer.from(answer).toString('hex').toUpperCase()}`;
  },
};

/** Significant digits that distinguish all doubles. */
const EVERY_DIGIT = 17;

/** A double can hold any real. Compared by value: 0 and -0 are equal. */
const FLOAT: KeyType = {
  ...ofText({
    name: 'float',
    value: (key) => `CONVERT(float, ${key})`,
    form: /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i,
    write: (text) => `CAST(${Number(text).toExponential(EVERY_DIGIT - 1)} AS float)`,
  }),
  scale: 'float',
};

function integer(type: string): KeyType {
  return {
    ...number(type, { scale: 0, form: /^-?\d{1,20}$/, write: (text) => `CAST(${text} AS ${type})` }),
    isInteger: true,
    isExact: true,
  };
}

const MONEY: KeyType = {
  ...number('money', { scale: 4, form: numberForm(4), write: (text) => `CAST(${text} AS money)` }),
  // Without a style, which some servers do not support, money as text has two digits.
  value: (key) => `CONVERT(nvarchar(40), CONVERT(decimal(19,4), ${key}))`,
};

const MOST_DIGITS = 38;

/** Some servers declare fewer digits for an expression than its values have, so a literal keeps those of its text. */
function decimal(precision: number, scale: number): KeyType {
  return number(`decimal(${precision},${scale})`, {
    scale,
    form: numberForm(MOST_DIGITS),
    write: (text) => {
      const digits = finer(scale, text);
      return `CAST(${text} AS decimal(${Math.min(MOST_DIGITS, precision + digits - scale)},${digits}))`;
    },
  });
}

function numberForm(fraction: number): RegExp {
  return new RegExp(`^-?(?:\\d{1,38}(?:\\.\\d{0,${fraction}})?|\\.\\d{1,${fraction}})$`);
}

function number(type: string, options: { readonly scale: number } & Pick<TextForm, 'form' | 'write'>): KeyType {
  const { scale } = options;
  return {
    ...ofText({ name: type, value: (key) => `CONVERT(nvarchar(50), ${key})`, ...options }),
    scale: decimalScale(scale),
  };
}

interface MomentOptions {
  readonly type: 'date' | 'smalldatetime' | 'datetime' | 'datetime2';
  /** Fractional digits of the second, for types that declare them. */
  readonly digits?: number;
  /** Unit of the positions: no bound needs to be finer than a second. */
  readonly stepSeconds?: number;
  readonly lastDay?: string;
}

const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,7})?)?)?$/;

function moment({ type, digits, stepSeconds = 1, lastDay = '9999-12-31' }: MomentOptions): KeyType {
  const sized = (text = '') => (digits === undefined ? type : `${type}(${finer(digits, text)})`);
  return {
    ...ofText({
      name: sized(),
      value: (key) => `CONVERT(nvarchar(40), ${key}, 126)`,
      form: MOMENT,
      // The T makes parsing independent of the session's language.
      write: (text) => `CAST(${quoteText(text.replace(' ', 'T'))} AS ${sized(text)})`,
    }),
    calendar: { lastDay, day: (key) => `CONVERT(date, ${key})` },
    scale: momentScale({ stepSeconds, isDate: type === 'date' }),
  };
}

const DATE: KeyType = { ...moment({ type: 'date', stepSeconds: 86_400 }), isExact: true };
const SMALL_DATE_TIME = moment({ type: 'smalldatetime', stepSeconds: 60, lastDay: '2079-06-06' });

/** Compared as instants, whatever the offset. */
function instant(scale: number): KeyType {
  const utc = moment({ type: 'datetime2', digits: scale });
  const inUtc = (key: string) => `SWITCHOFFSET(${key}, N'+00:00')`;
  return {
    ...utc,
    name: `datetimeoffset(${scale})`,
    value: (key) => utc.value(`CONVERT(datetime2(7), ${inUtc(key)})`),
    literal: (text) => {
      if (!MOMENT.test(text)) throw notOfForm('datetimeoffset', text);
      return `CAST(${quoteText(`${text.replace(' ', 'T')}+00:00`)} AS datetimeoffset(${finer(scale, text)}))`;
    },
    calendar: { lastDay: '9999-12-31', day: (key) => `CONVERT(date, ${inUtc(key)})` },
  };
}

/** Fractional digits: as declared, or more if the text has more. */
function finer(scale: number, text: string): number {
  return Math.max(scale, /\.(\d*)/.exec(text)?.[1]?.length ?? 0);
}
