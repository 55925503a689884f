import type { LakeportError } from '../../errors.js';
import type { RunObserver } from '../../export/model/observer.js';

/** What happens to the log in the course of a run, told once each time that it happens. */
export interface LogListener {
  /** The log can't be written to. The run goes on, and what it has to say is kept. */
  onTrouble?(error: LakeportError): void;
  /** The log answers again, and has everything. */
  onRecovered?(): void;
  /** Another process has resumed the run: this one may not publish anything any more. Nothing more is logged. */
  onTaken?(): void;
  /** The log did not answer until the end: what it lacks is in this file, for the next run to log. */
  onKept?(file: string): void;
  /** Nor could the file be written. */
  onLost?(error: LakeportError): void;
}

/** What a run's watchers are told of its log: one sentence each, at the moment that it happens. */
export function logMessages(observer: Pick<RunObserver, 'message'>): LogListener {
  return {
    onTrouble: ({ message, hint, code }) => {
      const consequence = 'The export goes on; what the log lacks is written when it answers again.';
      observer.message?.('warning', `${message}. ${consequence}`, { code, ...(hint !== undefined && { hint }) });
    },
    onRecovered: () => observer.message?.('info', 'The run log answers again, and has everything.'),
    onKept: (file) =>
      observer.message?.(
        'warning',
        `The run log did not answer until the end. What it lacks of this run is in ${file}, from where the next run ` +
          'with the same log takes it.',
        { file },
      ),
    onLost: ({ message }) =>
      observer.message?.(
        'warning',
        `The end of this run is in no log, as it could not be kept in a file either: ${message}`,
      ),
  };
}
