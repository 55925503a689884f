import { LakeportError } from '../../errors.js';
import type { Snapshot } from '../../sources/source.js';
import type { StagedPart } from '../../storage/storage.js';
import type { SliceOutcome } from '../model/slice-outcome.js';
import type { SliceTask } from './protocol.js';

/** How a read ended. `unconnected`: the worker failed to connect to the source, and the slice is not to blame. */
export type ReadEnd =
  | { readonly ok: true; readonly outcome: SliceOutcome }
  | {
      readonly ok: false;
      readonly givenBack?: undefined;
      readonly error: LakeportError;
      readonly unconnected: boolean;
    };

/**
 * How a slice ended. `givenBack`: its worker leaves, cannot reach the source from where it runs, or has died together with
 * others. Another one reads the slice, and no attempt is counted.
 */
export type SliceEnd = ReadEnd | GivenBack;

interface GivenBack {
  readonly ok: false;
  readonly givenBack: true;
  /** What the worker died of. */
  readonly error?: LakeportError | undefined;
}

export interface PoolListener {
  onProgress(sums: { readonly rows: number; readonly bytes: number }): void;
  onStaged(part: StagedPart): void;
}

/** Receives what becomes of a pool whose workers come and go. */
export interface CapacityListener {
  /** Slices that weigh so much together should be handed out from now on. */
  onCapacity(slices: number): void;
  /** No slice will be read any more. */
  onFailed(error: LakeportError): void;
}

/** Reads slices concurrently, each in a worker. */
export interface SlicePool {
  /** Never rejects. There are as many workers as concurrent calls, unless `watchCapacity` is there. */
  run(task: SliceTask, listener: PoolListener): Promise<SliceEnd>;
  /** Connects so many workers ahead of their first slices. Never fails: a slice connects again. */
  connect?(workers: number, snapshot: Snapshot): void;
  /**
   * For a pool that does not start its workers itself: how many slices it takes, which changes.
   * @returns the number at present
   */
  watchCapacity?(listener: CapacityListener): number;
  /**
   * What share of the capacity a slice takes, more than 0 and at most 1; 1 where this is missing. Small slices may be handed
   * to a worker many at a time.
   * @param bytes of the slice, undefined if unknown
   */
  weightOf?(bytes: number | undefined): number;
  /** Cancels the tasks being run; each `run` settles soon. */
  cancel(tasks: readonly SliceTask[]): void;
  /** Ends the workers. Never throws, and may be called again. */
  close(): Promise<void>;
}

/** A worker that ignores a request to stop is terminated after this time. */
export const READERS_GRACE_MS = 10_000;

/** The end of a slice whose reader did not report one. @param cause what ended the reader, if known */
export function readerDied(cause: unknown): LakeportError {
  const memory = cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new LakeportError({
    code: memory ? 'READER_OUT_OF_MEMORY' : 'READER_DIED',
    message: memory ? 'A reader ran out of memory' : `A reader's thread ended unexpectedly${reason}`,
    hint: memory
      ? 'Lower --row-group-rows or -p, or allow more memory with NODE_OPTIONS=--max-old-space-size=MEGABYTES.'
      : 'Run again with --log-level DEBUG; if it happens again, please report it.',
    cause,
  });
}
