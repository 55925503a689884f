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
  /** Time after the first signal for the program to end by itself. */
  readonly graceMs: number;
  /** Called when that time is over. */
  readonly onOverdue: (reason: Interruption) => void;
}

/**
 * Listens to the signals that ask the program to end. The first one aborts the returned signal, with an `Interruption`
 * as the reason, and starts the grace period; the second one ends the process at once.
 */
export function listenToSignals({ environment, graceMs, onOverdue }: SignalOptions): AbortSignal {
  const controller = new AbortController();
  const onSignal = (signal: EndingSignal) => {
    if (controller.signal.aborted) {
      endBySignal(signal);
      return;
    }
    const reason = new Interruption({ code: signal, message: MESSAGES[signal], graceMs });
    // The timer keeps the process alive: it ends in time, whatever the command waits for.
    setTimeout(() => onOverdue(reason), graceMs);
    controller.abort(reason);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // Without a listener SIGHUP would end the process: Node.js has reset it to its default.
  process.on('SIGHUP', isHangupIgnored(environment) ? () => undefined : onSignal);
  return controller.signal;
}
