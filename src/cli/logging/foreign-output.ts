import { format } from 'node:util';

import type { LogLevel } from './event-log.js';

/** Warnings that only who writes programs can do something about. */
const FOR_DEVELOPERS = /Deprecat|Experimental|NodeVersion|Listeners/i;

/** What libraries and Node.js itself would print past the log. */
export type ForeignListener = (level: LogLevel, message: string, fields: { readonly event: string }) => void;

/**
 * Takes what would be printed by `console` and as a warning of the process: stdout is for the result, and of a log in JSON
 * each line is to be JSON.
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
