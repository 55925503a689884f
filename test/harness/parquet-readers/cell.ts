/**
 * Canonical text of a cell: what PostgreSQL's own output function prints under `DateStyle = ISO`, `TimeZone = UTC`,
 * `bytea_output = hex`, so that what a reader makes of a file can be compared with what the server says. Only floating
 * point numbers differ: they stand in JavaScript's shortest form, which names one double as PostgreSQL's does.
 */
export type Cell = string | null | readonly Cell[];

export interface ReadColumn {
  readonly name: string;
  /** Undefined where the reader doesn't know the type. */
  readonly cells: readonly Cell[] | undefined;
}

/** Tells apart everything that two doubles can differ in, except the bits of a NaN. */
export function floatText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

export function booleanText(value: boolean): string {
  return value ? 't' : 'f';
}

export function bytesText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** `unscaled` × 10^-`scale` with exactly `scale` digits after the point. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const point = digits.length - scale;
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return unscaled < 0n ? `-${text}` : text;
}

/** Days since 1970-01-01, proleptic Gregorian calendar (H. Hinnant, chrono-compatible low-level date algorithms). */
export function dateText(days: number): string {
  const { text, era } = civil(days);
  return text + era;
}

/** Microseconds since 1970-01-01 00:00:00. */
export function timestampText(micros: bigint, options: { readonly utc: boolean }): string {
  const perDay = 86_400_000_000n;
  const inDay = ((micros % perDay) + perDay) % perDay;
  const { text, era } = civil(Number((micros - inDay) / perDay));
  return `${text} ${timeText(inDay)}${options.utc ? '+00' : ''}${era}`;
}

/** Microseconds since midnight; 24:00:00 is a time of its own. */
export function timeText(micros: bigint): string {
  const seconds = micros / 1_000_000n;
  const two = (value: bigint) => value.toString().padStart(2, '0');
  const fraction = (micros % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '');
  const clock = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fraction === '' ? clock : `${clock}.${fraction}`;
}

function civil(days: number): { readonly text: string; readonly era: '' | ' BC' } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const shown = year > 0 ? year : 1 - year;
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  return { text: `${pad(shown, 4)}-${pad(month, 2)}-${pad(day, 2)}`, era: year > 0 ? '' : ' BC' };
}
