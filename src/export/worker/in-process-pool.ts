import { LakeportError } from '../../errors.js';
import type { SliceTask, WorkerSetup } from './protocol.js';
import { type PoolListener, readerDied, type ReadEnd, type SlicePool } from './slice-pool.js';
import type { SliceWorker } from './slice-worker.js';

interface Running {
  readonly abort: AbortController;
  readonly settle: (end: ReadEnd) => void;
}

/**
 * Reads slices on the calling thread: for a single reader with so little to read that starting its thread, which loads
 * the program once more, would take longer. As with threads, there are as many workers as concurrent calls.
 */
export class InProcessPool implements SlicePool {
  readonly #setup: WorkerSetup;
  readonly #graceMs: () => number;
  readonly #running = new Map<SliceTask, Running>();
  readonly #workers = new Set<SliceWorker>();
  readonly #idle: SliceWorker[] = [];

  constructor(setup: WorkerSetup, { graceMs }: { readonly graceMs: () => number }) {
    this.#setup = setup;
    this.#graceMs = graceMs;
  }

  run(task: SliceTask, listener: PoolListener): Promise<ReadEnd> {
    return new Promise((resolve) => {
      const abort = new AbortController();
      const settle = (end: ReadEnd) => {
        this.#running.delete(task);
        resolve(end);
      };
      this.#running.set(task, { abort, settle });
      void this.#read(task, listener, abort.signal).then(settle);
    });
  }

  cancel(tasks: readonly SliceTask[]): void {
    for (const task of tasks) {
      const running = this.#running.get(task);
      if (running === undefined) continue;
      running.abort.abort();
      // What does not stop is abandoned: its worker is never idle again.
      setTimeout(
        () => running.settle({ ok: false, error: readerDied(undefined), unconnected: false }),
        this.#graceMs(),
      ).unref();
    }
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#graceMs())));
    const workers = [...this.#workers];
    this.#workers.clear();
    await Promise.race([Promise.all(workers.map((worker) => worker.close())), tooLate]);
    clearTimeout(timer);
  }

  async #read(task: SliceTask, listener: PoolListener, signal: AbortSignal): Promise<ReadEnd> {
    // Other runs, whose readers are threads, do not need it here.
    const { SliceWorker, taskFailure } = await import('./slice-worker.js');
    const worker = this.#idle.pop() ?? new SliceWorker(this.#setup);
    this.#workers.add(worker);
    try {
      const outcome = await worker.run(
        task,
        {
          onProgress: (sums) => listener.onProgress(sums),
          onStaged: ({ part }) => listener.onStaged(part),
        },
        signal,
      );
      return { ok: true, outcome };
    } catch (thrown) {
      const { error, unconnected } = taskFailure(thrown);
      return { ok: false, error: LakeportError.fromData(error), unconnected };
    } finally {
      this.#idle.push(worker);
    }
  }
}
