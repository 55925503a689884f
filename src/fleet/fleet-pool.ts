import type { SliceTask } from '../export/worker/protocol.js';
import type { CapacityListener, PoolListener, SliceEnd, SlicePool } from '../export/worker/slice-pool.js';
import type { Snapshot } from '../sources/source.js';

interface RemotePool extends SlicePool {
  /** Gives back what no worker has reported. */
  recall(): void;
}

/** Threads of the coordinator, which read as long as they are free, and workers elsewhere, which read the rest. */
export class FleetPool implements SlicePool {
  readonly #local: SlicePool;
  readonly #remote: RemotePool;
  readonly #running = new Set<SliceTask>();
  #readers: number;
  #remoteCapacity = 0;
  #listener: CapacityListener | undefined;

  constructor(options: { readonly local: SlicePool; readonly readers: number; readonly remote: RemotePool }) {
    this.#local = options.local;
    this.#readers = options.readers;
    this.#remote = options.remote;
  }

  watchCapacity(listener: CapacityListener): number {
    this.#listener = listener;
    this.#remoteCapacity =
      this.#remote.watchCapacity?.({
        onCapacity: (slices) => {
          this.#remoteCapacity = slices;
          listener.onCapacity(slices + this.#readers);
          this.#recallIfAlone();
        },
        // The run goes on without them.
        onFailed: (error) => {
          if (this.#readers === 0) listener.onFailed(error);
        },
      }) ?? 0;
    return this.#remoteCapacity + this.#readers;
  }

  /** Without workers, small slices would wait for them. */
  weightOf(bytes: number | undefined): number {
    return this.#remoteCapacity === 0 ? 1 : (this.#remote.weightOf?.(bytes) ?? 1);
  }

  async run(task: SliceTask, listener: PoolListener): Promise<SliceEnd> {
    if (this.#running.size >= this.#readers) return this.#remote.run(task, listener);
    this.#running.add(task);
    try {
      const end = await this.#local.run(task, listener);
      if (end.ok || end.givenBack === true || !end.unconnected || this.#readers === 0) return end;
      // As with a worker elsewhere that cannot connect: the others go on.
      this.#readers--;
      this.#listener?.onCapacity(this.#remoteCapacity + this.#readers);
      return { ok: false, givenBack: true };
    } finally {
      this.#running.delete(task);
      this.#recallIfAlone();
    }
  }

  /** If all workers are gone, the threads of this process read what these have left. */
  #recallIfAlone(): void {
    if (this.#remoteCapacity === 0 && this.#readers > 0) this.#remote.recall();
  }

  connect(_workers: number, snapshot: Snapshot): void {
    if (this.#readers > 0) this.#local.connect?.(this.#readers, snapshot);
  }

  cancel(tasks: readonly SliceTask[]): void {
    this.#local.cancel(tasks);
    this.#remote.cancel(tasks);
  }

  async close(): Promise<void> {
    await Promise.all([this.#local.close(), this.#remote.close()]);
  }
}
