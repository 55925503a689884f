import { format } from 'node:util';

import type { LogLevel } from './event-log.js';

/** Warnings that only developers can act on. */
const FOR_DEVELOPERS = /Deprecat|Experimental|NodeVersion|Listeners/i;

/** Receives what libraries and Node.js would print without the log. */
export type ForeignListener = (level: LogLevel, message: string, fields: { readonly event: string }) => void;

/**
 * Captures `console` output and process warnings: stdout is for the result, and every line of a JSON log must be JSON.
 */
export function captureForeignOutput(tell: ForeignListener): void {
  // Node's own listener prints them.
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    const level = FOR_DEVELOPERS.test(name) ? 'DEBUG' : 'WARNING';
    tell(level, name === 'Warning' ? message : `${name}: ${message}`, { event: 'process_warning' });
  });
  const print = (...values: unknown[]) => tell('DEBUG', format(...values).trimEnd(), { event: 'library_message' });
  Object.assign(console, { log: print, info: print, debug: print, warn: print, error: print, trace: print });
}
