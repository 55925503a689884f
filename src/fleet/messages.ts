import type { ErrorData } from '../errors.js';
import type { SliceOutcome } from '../export/model/slice-outcome.js';
import type { SliceTask } from '../export/worker/protocol.js';
import type { ServerInfo } from '../sources/source.js';

/** What passes through the queue: plain data, without secrets. */

/** Slices to read, one after another: a large one, or a bundle of small ones. */
export interface SliceJob {
  /** Of lakeport: what a task means may differ from version to version. */
  readonly version: string;
  /** The server that holds the snapshot. */
  readonly server: ServerInfo;
  readonly tasks: readonly SliceTask[];
}

/** How a worker's read of a slice ended. */
export type SliceReport =
  | { readonly kind: 'done'; readonly outcome: SliceOutcome }
  | { readonly kind: 'failed'; readonly error: ErrorData }
  /** See `SliceEnd`. The error is why, unless the worker was told to end. */
  | { readonly kind: 'given-back'; readonly error?: ErrorData | undefined };

/** One report for each task, in their order. */
export type JobReport = readonly SliceReport[];

/** Why a worker gave slices back; undefined if it gave none back, or was told to end. */
export function whyGivenBack(report: JobReport): ErrorData | undefined {
  for (const end of report) if (end.kind === 'given-back' && end.error !== undefined) return end.error;
  return undefined;
}

/**
 * As a text of ASCII within a JSON document: so it passes databases in any encoding, and holds the characters that
 * PostgreSQL's JSON refuses.
 */
export function pack(message: SliceJob | JobReport): string {
  return JSON.stringify(message).replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function unpackJob(text: string): SliceJob {
  // Written by `pack`, in a coordinator whose version is compared before anything else of it is used.
  return JSON.parse(text) as SliceJob;
}

export function unpackReport(text: string): JobReport {
  // Written by `pack`, in a worker of the same version.
  return JSON.parse(text) as JobReport;
}
