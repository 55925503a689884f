/** Human-readable amounts. */

/** Before each group of three digits. `Intl.NumberFormat` takes 20 ms to begin, in each thread. */
const THOUSANDS = /\B(?=(?:\d{3})+$)/g;
const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** `6,000,000`. */
export function count(value: number): string {
  return Math.round(value).toFixed().replace(THOUSANDS, ',');
}

/** `1 table`, `2 tables`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** The first names of a list, e.g. `a, b and 3 more`. */
export function someOf(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return `${names.slice(0, most).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** `950`, `1.2 M`, `3.4 G`: for displays whose digits would only flicker. */
export function roughCount(value: number): string {
  if (value < 10_000) return count(value);
  const units = ['', ' k', ' M', ' G', ' T'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${threeDigits(value / 1000 ** power)}${units[power] ?? ''}`;
}

/** Decimal units: `231 MB`. */
export function byteSize(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${threeDigits(bytes / 1000 ** power)} ${BYTE_UNITS[power] ?? ''}`;
}

/** `0.42 s`, `12.3 s`, `3m 12s`, `2h 05m`. */
export function timeSpan(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

/** Amount per second, or 0 for a duration of 0. */
export function rate(amount: number, seconds: number): number {
  return seconds > 0 ? amount / seconds : 0;
}

function threeDigits(value: number): string {
  return value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}
