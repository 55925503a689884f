import type { ByteWriter } from '../byte-writer.js';
import { type DeclaredType, present, type WireType, type WireValue } from './wire-type.js';

/** Dates and times (MS-TDS 2.2.5.5.1.8): days since an epoch, and units of 10^-scale seconds since midnight. */

const DAY_MS = 86_400_000;
/** Of 1970-01-01. */
const DAYS_SINCE_0001 = 719_162;
const DAYS_SINCE_1900 = 25_567;
const TICKS_A_DAY = 864_000_000_000n;
const TICKS_A_MINUTE = 600_000_000n;

interface Moment {
  /** Since 1970-01-01. */
  readonly days: number;
  /** 100 nanoseconds each, since midnight. */
  readonly ticks: bigint;
  readonly offsetMinutes: number;
}

const ISO = /^(?:(\d{4})-(\d\d)-(\d\d))?[T ]?(?:(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?)?\s?(Z|[+-]\d\d:\d\d)?$/;

function parseMoment(value: Exclude<WireValue, null>): Moment {
  const match = typeof value === 'string' ? ISO.exec(value) : null;
  if (!match) throw new Error(`no date or time: ${String(value)}`);
  const [, year, month, day, hours = '0', minutes = '0', seconds = '0', fraction = '', zone = 'Z'] = match;
  const date = new Date(0);
  if (year !== undefined) date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const wholeSeconds = (BigInt(hours) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
  const sign = zone.startsWith('-') ? -1 : 1;
  return {
    days: date.getTime() / DAY_MS,
    ticks: wholeSeconds * 10_000_000n + BigInt(fraction.padEnd(7, '0')),
    offsetMinutes: zone === 'Z' ? 0 : sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))),
  };
}

const timeWidth = (scale: number): number => (scale <= 2 ? 3 : scale <= 4 ? 4 : 5);

function writeTime(out: ByteWriter, ticks: bigint, scale: number): void {
  out.unsigned(ticks / 10n ** BigInt(7 - scale), timeWidth(scale));
}

function writeDate(out: ByteWriter, days: number): void {
  out.unsigned(BigInt(days + DAYS_SINCE_0001), 3);
}

/** Types whose value stands behind a length of one byte, 0 for NULL. */
function withLength(
  typeInfo: WireType['typeInfo'],
  width: number,
  write: (out: ByteWriter, at: Moment) => void,
): WireType {
  return {
    typeInfo,
    value: (out, value) => {
      if (value === null) out.u8(0);
      else write(out.u8(width), parseMoment(value));
    },
  };
}

export function timeType({ name, arguments: [scale = 7] }: DeclaredType, nullable: boolean): WireType | undefined {
  switch (name) {
    case 'date':
      return withLength(
        (out) => out.u8(0x28),
        3,
        (out, { days }) => writeDate(out, days),
      );
    case 'time':
      return withLength(
        (out) => out.u8(0x29).u8(scale),
        timeWidth(scale),
        (out, { ticks }) => writeTime(out, ticks, scale),
      );
    case 'datetime2':
      return withLength(
        (out) => out.u8(0x2a).u8(scale),
        timeWidth(scale) + 3,
        (out, { days, ticks }) => {
          writeTime(out, ticks, scale);
          writeDate(out, days);
        },
      );
    case 'datetimeoffset':
      // The time is UTC, and the offset stands beside it.
      return withLength(
        (out) => out.u8(0x2b).u8(scale),
        timeWidth(scale) + 5,
        (out, moment) => {
          const instant =
            BigInt(moment.days) * TICKS_A_DAY + moment.ticks - BigInt(moment.offsetMinutes) * TICKS_A_MINUTE;
          const ticks = ((instant % TICKS_A_DAY) + TICKS_A_DAY) % TICKS_A_DAY;
          writeTime(out, ticks, scale);
          writeDate(out, Number((instant - ticks) / TICKS_A_DAY));
          out.i16(moment.offsetMinutes);
        },
      );
    case 'datetime':
      return olderType(0x3d, 8, nullable, (out, { days, ticks }) => {
        // "The number of one three-hundredths of a second since 12 AM that day."
        out.i32(days + DAYS_SINCE_1900).u32(Number((ticks * 300n + 5_000_000n) / 10_000_000n));
      });
    case 'smalldatetime':
      return olderType(0x3a, 4, nullable, (out, { days, ticks }) => {
        out.u16(days + DAYS_SINCE_1900).u16(Number(ticks / TICKS_A_MINUTE));
      });
    default:
      return undefined;
  }
}

function olderType(
  fixed: number,
  width: number,
  nullable: boolean,
  write: (out: ByteWriter, at: Moment) => void,
): WireType {
  if (nullable) return withLength((out) => out.u8(0x6f).u8(width), width, write);
  return { typeInfo: (out) => out.u8(fixed), value: (out, value) => write(out, parseMoment(present(value))) };
}
