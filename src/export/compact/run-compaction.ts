import { LakeportError } from '../../errors.js';
import { quietWorker } from '../../runtime/quiet-worker.js';
import type { StagedPart, Storage } from '../../storage/storage.js';
import type { CompactOutcome, CompactTask, FromCompactor, ToCompactor } from './protocol.js';

/** Less than this is merged before a thread would have started. */
const LEAST_FOR_THREAD = 4 << 20;
/** A thread that ignores a request to stop is terminated after this time. */
const GRACE_MS = 5000;

export interface RunningCompaction {
  /** Of the task's target: discards what was staged if the task fails. */
  readonly storage: Pick<Storage, 'discard'>;
  /**
   * Whether the snapshot that keys of the source are read from is held, with its locks, at some point after the call. A
   * TRUNCATE that nothing keeps away takes rows out of a snapshot: their keys would look deleted.
   */
  readonly isSnapshotHeld?: (() => Promise<boolean>) | undefined;
  /** Rows that were gone through so far. */
  readonly onProgress?: ((rows: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Carries out a task in a thread of its own, or on this one if there is little to do.
 * @throws LakeportError; nothing stays staged then
 */
export async function runCompaction(
  task: CompactTask,
  { storage, isSnapshotHeld, onProgress = () => undefined, signal }: RunningCompaction,
): Promise<CompactOutcome> {
  const staged: StagedPart[] = [];
  const listener = { onProgress, onStaged: (part: StagedPart) => staged.push(part) };
  try {
    const outcome = await carryOut(task, listener, signal);
    if (task.keys !== undefined && (await isSnapshotHeld?.()) === false) throw keysUncertain();
    return outcome;
  } catch (error) {
    await Promise.allSettled(staged.map((part) => storage.discard(part)));
    throw error;
  }
}

async function carryOut(task: CompactTask, listener: Listener, signal: AbortSignal): Promise<CompactOutcome> {
  const bytes = task.table.files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes >= LEAST_FOR_THREAD) return inThread(task, listener, signal);
  const { compactFiles } = await import('./compact-files.js');
  return compactFiles(task, listener, signal);
}

interface Listener {
  readonly onProgress: (rows: number) => void;
  readonly onStaged: (part: StagedPart) => void;
}

function inThread(task: CompactTask, listener: Listener, signal: AbortSignal): Promise<CompactOutcome> {
  signal.throwIfAborted();
  const worker = quietWorker(new URL('./compact-worker.js', import.meta.url), {
    workerData: task,
    name: 'lakeport-compactor',
  });
  return new Promise<CompactOutcome>((resolve, reject) => {
    let uncaught: unknown;
    const cancel = () => {
      const message: ToCompactor = { type: 'cancel' };
      worker.postMessage(message);
      setTimeout(() => void worker.terminate(), GRACE_MS).unref();
    };
    signal.addEventListener('abort', cancel, { once: true });
    worker.on('message', (message: FromCompactor) => {
      switch (message.type) {
        case 'progress':
          listener.onProgress(message.rows);
          break;
        case 'staged':
          listener.onStaged(message.part);
          break;
        case 'done':
          resolve(message.outcome);
          break;
        case 'failed':
          reject(LakeportError.fromData(message.error));
          break;
      }
    });
    worker.once('error', (error) => (uncaught = error));
    worker.once('exit', () => {
      signal.removeEventListener('abort', cancel);
      // After an answer, this has no effect.
      reject(died(uncaught));
    });
  });
}

function keysUncertain(): LakeportError {
  return new LakeportError({
    code: 'SNAPSHOT_LOST',
    message: 'The snapshot was lost while the keys of the source were read from it',
    hint: 'Sync the table again.',
  });
}

function died(cause: unknown): LakeportError {
  const reason = cause instanceof Error ? `: ${cause.message}` : '';
  return new LakeportError({
    code: 'READER_DIED',
    message: `A thread that merges files ended unexpectedly${reason}`,
    hint: 'Run again; if it happens again, please report it.',
    cause,
  });
}
