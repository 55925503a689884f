import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { isatty } from 'node:tty';

/** Time for the signal to end the process, before it exits on its own. */
const STILL_HERE_MS = 100;

/** Signals that ask the program to end. */
export type EndingSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

const terminals = [0, 1, 2].filter((fd) => isatty(fd));

/**
 * Call once at the start. When Node.js ends, it restores the state of terminals, and aborts if one has disappeared. It
 * ignores a closed one.
 */
export function leaveLostTerminals(): void {
  process.on('exit', () => {
    for (const fd of terminals) {
      if (isatty(fd)) continue;
      try {
        closeSync(fd);
      } catch {
        // Already closed.
      }
    }
  });
}

/**
 * Ends the process at once by the signal itself, like a program that does not handle it. The kernel does not apply
 * default actions to process 1, as in a container: it exits with the signal's code instead.
 */
export function endBySignal(signal: EndingSignal): void {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.removeAllListeners(name);
  const exit = () => process.exit(128 + constants.signals[signal]);
  if (process.pid === 1) exit();
  process.kill(process.pid, signal);
  setTimeout(exit, STILL_HERE_MS);
}
