import { LakeportError } from '../errors.js';
import type { SliceOutcome } from '../export/model/slice-outcome.js';
import type { PreviousAttempt, PreviousSlice } from '../export/resume/previous-attempt.js';
import type { SliceTask } from '../export/worker/protocol.js';
import { datasetId } from '../model/dataset.js';
import { tableKey } from '../model/table.js';
import type { SliceQueue } from './slice-queue.js';

/**
 * What an earlier attempt of the run has done, with the slices that workers have reported and its coordinator has not
 * seen any more. They count if the snapshot that they were read from has been held ever since.
 * @param onError told if the queue cannot be read: these slices are then read again
 */
export async function withReportedSlices(
  previous: PreviousAttempt,
  queue: Pick<SliceQueue, 'reported'>,
  onError: (error: LakeportError) => void,
): Promise<PreviousAttempt> {
  const unread = new UnreadSlices(previous);
  const reported = new Map<PreviousSlice, SliceOutcome>();
  try {
    for await (const { task, report } of queue.reported()) {
      const slice = report.kind === 'done' ? unread.find(task) : undefined;
      if (slice !== undefined && report.kind === 'done') reported.set(slice, report.outcome);
    }
  } catch (error) {
    onError(LakeportError.from(error));
  }
  if (reported.size === 0) return previous;
  const partitions = previous.partitions.map((slice) => ({ ...slice, reported: reported.get(slice) }));
  return { ...previous, partitions };
}

/** Slices that the log does not know to be staged. */
class UnreadSlices {
  readonly #tables: ReadonlyMap<string, PreviousAttempt['tables'][number]>;
  readonly #slices: ReadonlyMap<string, PreviousSlice>;

  constructor({ tables, partitions }: PreviousAttempt) {
    const unfinished = tables.filter(({ state, moment }) => state !== 'completed' && moment !== undefined);
    this.#tables = new Map(unfinished.map((table) => [tableKey({ schema: table.schema, name: table.table }), table]));
    const isUnread = ({ staged }: PreviousSlice) => staged === undefined || staged === null;
    this.#slices = new Map(partitions.filter(isUnread).map((slice) => [keyOf(slice), slice]));
  }

  /** The slice that a task reads, as it was planned then. */
  find({ dataset, slice, snapshot, mode, isOnlySlice }: SliceTask): PreviousSlice | undefined {
    const table = this.#tables.get(tableKey(datasetId(dataset)));
    if (table === undefined || mode !== 'rows' || table.moment !== snapshot.moment) return undefined;
    const planned = this.#slices.get(keyOf({ jobId: table.jobId, sliceIndex: slice.index }));
    const isSame = planned?.slice === undefined ? isOnlySlice : JSON.stringify(planned.slice) === JSON.stringify(slice);
    return isSame ? planned : undefined;
  }
}

function keyOf({ jobId, sliceIndex }: Pick<PreviousSlice, 'jobId' | 'sliceIndex'>): string {
  return `${jobId} ${sliceIndex}`;
}
