import type { KeyScale } from '../../partitioning/key-type.js';

/**
 * Dates and timestamps of PostgreSQL as numbers and back, over its whole range: JavaScript's dates end before it. As text
 * they are ISO with any number of digits of the year, and with BC for years before 1.
 */

const TEXT = /^(\d+)-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:\+00)?)?( BC)?$/;

const DAY_SECONDS = 86_400n;
/** Of a cycle of 400 years. */
const CYCLE_DAYS = 146_097n;

/** Days since 0000-03-01, whose year has its leap day at the end. */
function dayNumber(year: bigint, month: bigint, day: bigint): bigint {
  const shifted = month > 2n ? year : year - 1n;
  const cycle = floorDivide(shifted, 400n);
  const ofCycle = shifted - cycle * 400n;
  const ofYear = (153n * (month > 2n ? month - 3n : month + 9n) + 2n) / 5n + day - 1n;
  return cycle * CYCLE_DAYS + ofCycle * 365n + ofCycle / 4n - ofCycle / 100n + ofYear;
}

function textOfDay(number: bigint): { readonly text: string; readonly isBefore: boolean } {
  const cycle = floorDivide(number, CYCLE_DAYS);
  const ofCycle = number - cycle * CYCLE_DAYS;
  const yearOfCycle = (ofCycle - ofCycle / 1460n + ofCycle / 36_524n - ofCycle / 146_096n) / 365n;
  const ofYear = ofCycle - (365n * yearOfCycle + yearOfCycle / 4n - yearOfCycle / 100n);
  const shifted = (5n * ofYear + 2n) / 153n;
  const day = ofYear - (153n * shifted + 2n) / 5n + 1n;
  const month = shifted < 10n ? shifted + 3n : shifted - 9n;
  const year = yearOfCycle + cycle * 400n + (month <= 2n ? 1n : 0n);
  const isBefore = year < 1n;
  return { text: `${digits(isBefore ? 1n - year : year, 4)}-${digits(month, 2)}-${digits(day, 2)}`, isBefore };
}

function toSeconds(value: string): bigint {
  const [, year, month, day, hour = '0', minute = '0', second = '0', era] = TEXT.exec(value) ?? [];
  if (year === undefined || month === undefined || day === undefined) throw new TypeError(`${value} is not a moment`);
  const days = dayNumber(era === undefined ? BigInt(year) : 1n - BigInt(year), BigInt(month), BigInt(day));
  return days * DAY_SECONDS + BigInt(hour) * 3600n + BigInt(minute) * 60n + BigInt(second);
}

/** Positions are days. */
export const DAY_SCALE: KeyScale = {
  toPosition: (value) => floorDivide(toSeconds(value), DAY_SECONDS),
  toText: (position) => {
    const { text, isBefore } = textOfDay(position);
    return isBefore ? `${text} BC` : text;
  },
};

/** Positions are seconds, in UTC: no bound needs to be finer. */
export function secondScale({ hasOffset }: { readonly hasOffset: boolean }): KeyScale {
  return {
    toPosition: toSeconds,
    toText: (position) => {
      const days = floorDivide(position, DAY_SECONDS);
      const rest = position - days * DAY_SECONDS;
      const time = [rest / 3600n, (rest / 60n) % 60n, rest % 60n].map((part) => digits(part, 2)).join(':');
      const { text, isBefore } = textOfDay(days);
      return `${text} ${time}${hasOffset ? '+00' : ''}${isBefore ? ' BC' : ''}`;
    },
  };
}

function floorDivide(value: bigint, by: bigint): bigint {
  return (value - (((value % by) + by) % by)) / by;
}

function digits(value: bigint, least: number): string {
  return String(value).padStart(least, '0');
}
