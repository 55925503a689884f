import { Interruption } from '../../runtime/interruption.js';
import { isHangupIgnored } from './hangup.js';
import { endBySignal, type EndingSignal } from './process-end.js';

const SIGNALS = {
  SIGINT: { exit: 'interrupted', message: 'Interrupted by SIGINT' },
  SIGTERM: { exit: 'terminated', message: 'Ended by SIGTERM' },
  SIGHUP: { exit: 'hung-up', message: 'Ended by SIGHUP' },
} as const;

export interface SignalOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Time after the first signal in which the program is to end by itself. */
  readonly graceMs: number;
  /** That time is over. */
  readonly onOverdue: (reason: Interruption) => void;
}

/**
 * Listens to the signals that ask the program to end. The first one aborts what is returned, with an `Interruption` as the
 * reason, and starts the grace; the second one ends the process at once.
 */
export function listenToSignals({ environment, graceMs, onOverdue }: SignalOptions): AbortSignal {
  const controller = new AbortController();
  const onSignal = (signal: EndingSignal) => {
    if (controller.signal.aborted) {
      endBySignal(signal);
      return;
    }
    const reason = new Interruption({ code: signal, ...SIGNALS[signal], graceMs });
    // It keeps the process alive: whatever the command waits for, this comes to an end.
    setTimeout(() => onOverdue(reason), graceMs);
    controller.abort(reason);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Without a listener it would end the process: Node.js has made it forget that it ignores the signal.
  process.on('SIGHUP', isHangupIgnored(environment) ? () => undefined : onSignal);
  return controller.signal;
}
