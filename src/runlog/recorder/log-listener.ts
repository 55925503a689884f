import type { LakeportError } from '../../errors.js';
import type { RunObserver } from '../../export/model/observer.js';

/** What happens to the log during a run. Each event is reported once. */
export interface LogListener {
  /** The log cannot be written. The run continues and keeps its entries. */
  onTrouble?(error: LakeportError): void;
  /** The log is available again and complete. */
  onRecovered?(): void;
  /** Another process has resumed the run. This one must not publish anything any more, and logs nothing more. */
  onTaken?(): void;
  /** The log was still unavailable at the end. The run is saved in this file, for the next run to log. */
  onKept?(file: string): void;
  /** The file could not be written either. */
  onLost?(error: LakeportError): void;
}

/** Reports each event of the log as a message. */
export function logMessages(observer: Pick<RunObserver, 'message'>): LogListener {
  return {
    onTrouble: ({ message, hint, code }) => {
      const consequence = 'The export continues; missing entries are written once the log is available again.';
      observer.message?.('warning', `${message}. ${consequence}`, { code, ...(hint !== undefined && { hint }) });
    },
    onRecovered: () => observer.message?.('info', 'The run log is available again and complete.'),
    onKept: (file) =>
      observer.message?.(
        'warning',
        `The run log was still unavailable at the end. This run is saved in ${file}; ` +
          'the next run with the same log picks it up.',
        { file },
      ),
    onLost: ({ message }) =>
      observer.message?.(
        'warning',
        `The end of this run is not logged, and saving it to a file failed too: ${message}`,
      ),
  };
}
