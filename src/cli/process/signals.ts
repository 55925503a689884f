import { Interruption } from '../../runtime/interruption.js';
import { isHangupIgnored } from './hangup.js';
import { endBySignal, type EndingSignal } from './process-end.js';

const MESSAGES: Readonly<Record<EndingSignal, string>> = {
  SIGINT: 'Interrupted by SIGINT',
  SIGTERM: 'Ended by SIGTERM',
  SIGHUP: 'Ended by SIGHUP',
};

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
    const reason = new Interruption({ code: signal, message: MESSAGES[signal], graceMs });
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
