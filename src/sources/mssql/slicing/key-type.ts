import type { WireType } from '../tds/wire-type.js';

/**
 * Values of slices' keys travel as text: the server makes one of a value that loses nothing, and takes it back in a
 * literal of the key's own type, so that comparisons are those of the key and an index on it is of use.
 */
export interface KeyType {
  /** For the text of a key's value. */
  readonly toText: (key: string) => string;
  /** The value with this text. */
  readonly literal: (text: string) => string;
  /** Given where values can be counted with: numbers, dates and times. */
  readonly scale: KeyScale | 'float' | undefined;
  /** Whether `%` is to be had. */
  readonly isInteger: boolean;
  /** Of dates and times with their date: the last day that the type has. */
  readonly lastDay?: string;
  /** Put around the key itself, where its comparisons would not be exact otherwise. */
  readonly wrap?: (key: string) => string;
}

/** Values as whole numbers, in their order. */
export interface KeyScale {
  readonly toPosition: (text: string) => bigint;
  readonly toText: (position: bigint) => string;
}

const INTEGERS: Readonly<Record<number, string>> = { 1: 'tinyint', 2: 'smallint', 4: 'int', 8: 'bigint' };

/** By the type that the server declares for the key. Undefined for types that cannot be compared. */
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
      return { ...number(`decimal(${precision},${scale})`, scale), isInteger: scale === 0 };
    case 'Money':
    case 'SmallMoney':
    case 'MoneyN':
      return { ...number('money', 4), toText: (key) => `CONVERT(nvarchar(40), ${key}, 2)` };
    case 'Real':
    case 'Float':
    case 'FloatN':
      // Style 3 gives all of a double's 17 digits, and a double holds a real.
      return { ...typed('float', (key) => `CONVERT(nvarchar(40), CONVERT(float, ${key}), 3)`), scale: 'float' };
    case 'Date':
      return moment({ type: 'date', stepSeconds: 86_400 });
    case 'SmallDateTime':
      return SMALL_DATE_TIME;
    case 'DateTime':
      return moment({ type: 'datetime' });
    case 'DateTimeN':
      return dataLength === 4 ? SMALL_DATE_TIME : moment({ type: 'datetime' });
    case 'DateTime2':
      return moment({ type: `datetime2(${scale})` });
    case 'DateTimeOffset':
      return instant(scale);
    case 'Time':
      return typed(`time(${scale})`, (key) => `CONVERT(nvarchar(40), ${key}, 126)`);
    case 'NVarChar':
    case 'NChar':
      return text();
    case 'VarChar':
    case 'Char':
      // Strings of one code page compare by other rules than Unicode; its characters are all in Unicode.
      return { ...text(), wrap: (key) => `CONVERT(nvarchar(4000), ${key})` };
    case 'UniqueIdentifier':
      return typed('uniqueidentifier', (key) => `CONVERT(nvarchar(36), ${key})`);
    case 'Bit':
    case 'BitN':
      return typed('bit', (key) => `CONVERT(nvarchar(1), ${key})`);
    case 'VarBinary':
    case 'Binary':
      return {
        ...typed('varbinary(8000)', (key) => `CONVERT(nvarchar(max), CONVERT(varbinary(8000), ${key}), 1)`),
        literal: (hexadecimal) => hexadecimal,
      };
    default:
      return undefined;
  }
}

/** A literal in quotes: characters of Unicode, quotes doubled. */
export function quoteText(value: string): string {
  return `N'${value.replaceAll("'", "''")}'`;
}

function typed(type: string, toText: KeyType['toText']): KeyType {
  return {
    toText,
    literal: (value) => `CAST(${quoteText(value)} AS ${type})`,
    scale: undefined,
    isInteger: false,
  };
}

function text(): KeyType {
  return { ...typed('nvarchar(4000)', (key) => key), literal: quoteText };
}

function number(type: string, scale: number): KeyType {
  return {
    ...typed(type, (key) => `CONVERT(nvarchar(40), ${key})`),
    literal: (value) => `CAST(${value} AS ${type})`,
    scale: {
      toPosition: (value) => {
        const [whole = '', fraction = ''] = value.split('.');
        return BigInt(whole + fraction.padEnd(scale, '0'));
      },
      toText: (position) => {
        const digits = String(position < 0n ? -position : position).padStart(scale + 1, '0');
        const point = digits.length - scale;
        const sign = position < 0n ? '-' : '';
        return scale === 0 ? `${sign}${digits}` : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
      },
    },
  };
}

function integer(type: string): KeyType {
  return { ...number(type, 0), isInteger: true };
}

interface MomentOptions {
  readonly type: string;
  /** What positions count: no bound needs to be finer than a second. */
  readonly stepSeconds?: number;
  readonly lastDay?: string;
}

function moment({ type, stepSeconds = 1, lastDay = '9999-12-31' }: MomentOptions): KeyType {
  return {
    ...typed(type, (key) => `CONVERT(nvarchar(40), ${key}, 126)`),
    lastDay,
    scale: {
      toPosition: (value) => floorDivide(secondsOf(value), BigInt(stepSeconds)),
      toText: (position) => {
        const iso = new Date(Number(position) * stepSeconds * 1000).toISOString();
        return type === 'date' ? iso.slice(0, 10) : iso.slice(0, 19);
      },
    },
  };
}

const SMALL_DATE_TIME = moment({ type: 'smalldatetime', stepSeconds: 60, lastDay: '2079-06-06' });

/** By the instant, whatever the offset. */
function instant(scale: number): KeyType {
  return {
    ...moment({ type: `datetime2(${scale})` }),
    toText: (key) => `CONVERT(nvarchar(40), CONVERT(datetime2(${scale}), SWITCHOFFSET(${key}, N'+00:00')), 126)`,
    literal: (value) => `CAST(N'${value}+00:00' AS datetimeoffset(${scale}))`,
  };
}

/** Whole seconds since 1970; what is finer is cut off. */
function secondsOf(iso: string): bigint {
  const seconds = Date.parse(`${iso.length <= 10 ? `${iso}T00:00:00` : iso.slice(0, 19).replace(' ', 'T')}Z`) / 1000;
  return BigInt(Math.floor(seconds));
}

function floorDivide(value: bigint, by: bigint): bigint {
  return (value - (((value % by) + by) % by)) / by;
}
