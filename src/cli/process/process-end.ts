import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';

/** After a signal that should have ended the process and did not. */
const STILL_HERE_MS = 100;

/** Signals that ask the program to end. */
export type EndingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

const terminals = [0, 1, 2].filter((fd) => isatty(fd));

/**
 * To be called once at the start. Node.js puts terminals back into the state in which it found them when it ends, and is
 * aborted where one of them has gone. Of one that is closed it keeps its hands off.
 */
export function leaveLostTerminals(): void {
  process.on('exit', () => {
    for (const fd of terminals) {
      if (isatty(fd)) continue;
      try {
        closeSync(fd);
      } catch {
        // Closed already.
      }
    }
  });
}

/**
 * Ends the process at once by the signal itself, as any program would end that does not handle it. The kernel keeps its
 * default actions from process 1, such as of a container: that one exits with the signal's code.
 */
export function endBySignal(signal: EndingSignal): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeAllListeners(name);
  const exit = () => process.exit(128 + constants.signals[signal]);
  if (process.pid === 1) exit();
  process.kill(process.pid, signal);
  setTimeout(exit, STILL_HERE_MS);
}
