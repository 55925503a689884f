/** A point in time as a database or a user writes it in ISO 8601: a day, perhaps with a time of day and its offset. */
export interface MomentText {
  /** `2025-01-31`. */
  readonly day: string;
  /** Between day and time: a space or `T`; empty without a time. */
  readonly separator: string;
  /** `12:34` or `12:34:56`; empty for a day. */
  readonly time: string;
  /** Digits of the second's fraction; may be empty. */
  readonly fraction: string;
  /** `Z` or `+02:00`; may be empty. */
  readonly zone: string;
}

const MOMENT =
  /^(?<day>\d{4}-[01]\d-[0-3]\d)(?:(?<separator>[ T])(?<time>[0-2]\d:[0-5]\d(?::[0-6]\d)?)(?:(?<=:\d\d:\d\d)\.(?<fraction>\d+))?(?<zone>Z|[+-]\d\d:\d\d)?)?$/;

/** @returns undefined for any other text */
export function parseMoment(text: string): MomentText | undefined {
  const { day, separator = '', time = '', fraction = '', zone = '' } = MOMENT.exec(text)?.groups ?? {};
  return day === undefined ? undefined : { day, separator, time, fraction, zone };
}

export function momentText({ day, separator, time, fraction, zone }: MomentText): string {
  return `${day}${separator}${time}${fraction === '' ? '' : `.${fraction}`}${zone}`;
}

/** In milliseconds since 1970, rounded down; in UTC unless it says. @returns undefined for a day that does not exist */
function unixMilliseconds({ day, time, fraction, zone }: MomentText): number | undefined {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // A day that no month has is taken for one of the next.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = time === '' ? [] : time.split(':').map(Number);
  const ofDay = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return midnight + ofDay + Number(fraction.padEnd(3, '0').slice(0, 3)) - offsetSeconds(zone) * 1000;
}

/** How far a zone is ahead of UTC. */
export function offsetSeconds(zone: string): number {
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):(\d\d)$/.exec(zone) ?? [];
  return (sign === '-' ? -60 : 60) * (Number(hours) * 60 + Number(minutes));
}

/** Of a day its midnight, and of a minute its first second. */
export function withSeconds(moment: MomentText): MomentText {
  return { ...moment, time: `${moment.time}${'00:00:00'.slice(moment.time.length)}` };
}

const FIRST_DAY = Date.parse('0000-01-01T00:00:00Z');
const DAY_MS = 86_400_000;

/**
 * So many seconds earlier, down to a millisecond, in the same form; rounded down to what the form can tell, and never
 * before the year 0.
 * @returns undefined if the day does not exist
 */
export function secondsBefore(moment: MomentText, seconds: number): MomentText | undefined {
  const { time, fraction, zone } = moment;
  // Digits below a millisecond stay as they are.
  const at = unixMilliseconds({ ...moment, zone: '' });
  if (at === undefined) return undefined;
  const then = Math.max(FIRST_DAY, at - Math.round(seconds * 1000));
  const text = new Date(then).toISOString();
  return {
    ...moment,
    day: text.slice(0, 10),
    time: text.slice(11, 11 + time.length),
    fraction: `${text.slice(20, 23)}${fraction.slice(3)}`.slice(0, fraction.length),
    zone,
  };
}

/** Local times are at most so far from UTC. */
const FARTHEST_ZONE_MS = 14 * 3_600_000;

/**
 * Seconds from the moment to `now`, negative if it is in the future. Of a time without an offset nobody knows whether it
 * is in UTC; it is taken to be, unless it would be in the future.
 * @param now milliseconds since 1970
 * @returns undefined if that is not known
 */
export function secondsBehind(moment: MomentText, now: number): number | undefined {
  const at = unixMilliseconds(moment);
  if (at === undefined) return undefined;
  const behind = now - at;
  if (moment.time === '') return behind < 0 && behind > -DAY_MS ? undefined : Math.round(behind / 1000);
  if (moment.zone === '' && behind < 0 && behind >= -FARTHEST_ZONE_MS) return undefined;
  return Math.round(behind / 1000);
}
