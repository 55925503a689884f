import { ENVIRONMENT } from '../../environment.js';

/** Milliseconds without a heartbeat after which an unreachable run is assumed dead. Tests shorten it. */
export const SILENCE_MS = Number(ENVIRONMENT['LAKEPORT_TEST_SILENCE_MS'] ?? '') || 600_000;

export const HEARTBEAT_MS = SILENCE_MS / 10;

/** How many milliseconds a claim that the store has confirmed stays valid without another check. */
export const CONFIRMED_MS = 2_000;

/** A point in time by both clocks: one stops while the machine sleeps, the other may be set. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function thisMoment(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** Milliseconds since then, by whichever clock has advanced more. */
export function ageOf(moment: Moment): number {
  return Math.max(performance.now() - moment.monotonic, Math.abs(Date.now() - moment.wall));
}

/** `40 seconds`, `11 minutes`, `3 hours`. */
export function displayAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 100) return plural(seconds, 'second');
  return seconds < 6000 ? plural(Math.round(seconds / 60), 'minute') : plural(Math.round(seconds / 3600), 'hour');
}

function plural(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
