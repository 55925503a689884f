import { ENVIRONMENT } from '../../environment.js';

/** A run that nobody here can ask is taken for dead after so many milliseconds without a heartbeat. Tests shorten it. */
export const SILENCE_MS = Number(ENVIRONMENT['LAKEPORT_TEST_SILENCE_MS'] ?? '') || 600_000;

export const HEARTBEAT_MS = SILENCE_MS / 10;

/** A claim that the store has confirmed is not asked for again for so many milliseconds. */
export const CONFIRMED_MS = 2_000;

/** A moment by both clocks: one stands still while the machine sleeps, the other one may be set. */
export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function thisMoment(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** Milliseconds since then, by the clock that has moved further. */
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
