/** Durations and sizes as users write them in the auth file and on the command line. */

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  k: 2 ** 10,
  kib: 2 ** 10,
  m: 2 ** 20,
  mib: 2 ** 20,
  g: 2 ** 30,
  gib: 2 ** 30,
};

/** Longest delay of a Node.js timer. */
const LONGEST_MS = 2 ** 31 - 1;

/** Milliseconds of `30s`, `500ms`, `2m`, `1h`, or of a plain number of seconds; undefined otherwise. */
export function parseDuration(value: unknown): number | undefined {
  const measure = parseMeasure(value, MILLISECONDS, 's');
  return measure === undefined || measure > LONGEST_MS ? undefined : Math.round(measure);
}

/** Milliseconds of `7d`, `24h`, `2w` or what `parseDuration` takes, however long; undefined otherwise. */
export function parseAge(value: unknown): number | undefined {
  const measure = parseMeasure(value, { ...MILLISECONDS, d: 86_400_000, w: 7 * 86_400_000 }, 's');
  return measure !== undefined && Number.isSafeInteger(Math.round(measure)) ? Math.round(measure) : undefined;
}

/** Bytes of `8 MiB`, `10MB`, `64K`, or of a plain number of bytes; undefined otherwise. */
export function parseSize(value: unknown): number | undefined {
  const measure = parseMeasure(value, BYTES, 'b');
  return measure !== undefined && Number.isSafeInteger(measure) ? measure : undefined;
}

function parseMeasure(
  value: unknown,
  units: Readonly<Record<string, number>>,
  defaultUnit: string,
): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(value).trim());
  if (match === null) return undefined;
  const [, amount, unit] = match;
  const factor = units[unit === undefined || unit === '' ? defaultUnit : unit.toLowerCase()];
  return factor === undefined ? undefined : Number(amount) * factor;
}
