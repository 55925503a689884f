import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import type { AnnouncedSnapshot, RunLog, WorkerRow, WorkerSlice } from '../runlog/index.js';

/** The row of the log is renewed this often: a third of the time after which others take its process for dead. */
const RENEW_MS = 5_000;
/** What changes within this time is written once: others look no more often. */
const LEAST_MS = 1_000;

/** What of a process's row changes. */
export interface Standing {
  readonly slots: number;
  readonly slices: readonly WorkerSlice[];
  readonly slicesRead: number;
  readonly rows: number;
  readonly snapshot?: AnnouncedSnapshot | undefined;
}

/** The name of this process among those of its run. @param given by its user */
export function workerName(given: string | undefined): string {
  return given ?? `${hostname()}-${process.pid}`;
}

/** Tells the other processes of a run, and `lakeport status`, that this one works on it, by a row of the run log. */
export class Announcement {
  readonly workerId = randomUUID();
  readonly name: string;
  readonly #log: RunLog;
  readonly #runId: string;
  readonly #role: WorkerRow['role'];
  readonly #standing: () => Standing;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #writtenAt = -Infinity;
  #soon: NodeJS.Timeout | undefined;

  constructor(options: {
    readonly log: RunLog;
    readonly runId: string;
    readonly role: WorkerRow['role'];
    readonly name?: string | undefined;
    readonly standing: () => Standing;
  }) {
    this.#log = options.log;
    this.#runId = options.runId;
    this.#role = options.role;
    this.name = workerName(options.name);
    this.#standing = options.standing;
  }

  /** @throws LakeportError if the log cannot be written */
  async begin(): Promise<void> {
    await this.#write(null);
    this.#timer = setInterval(() => this.renew(), RENEW_MS);
  }

  /** Writes the row soon. Whoever cannot write it looks lost to the others, which harms nothing else. */
  renew(): void {
    const wait = this.#writtenAt + LEAST_MS - performance.now();
    this.#soon ??= setTimeout(
      () => {
        this.#soon = undefined;
        this.#writtenAt = performance.now();
        this.#writing = this.#writing.then(() => this.#write(null)).catch(() => undefined);
      },
      Math.max(0, wait),
    );
  }

  /** Never throws. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    await this.#writing;
    await this.#write(new Date()).catch(() => undefined);
  }

  #write(leftAt: Date | null): Promise<void> {
    const { slots, slices, slicesRead, rows, snapshot } = this.#standing();
    return this.#log.putWorker({
      run_id: this.#runId,
      worker_id: this.workerId,
      role: this.#role,
      name: this.name,
      host: hostname(),
      process_id: process.pid,
      slots,
      slices: JSON.stringify(slices),
      slices_read: slicesRead,
      row_count: rows,
      snapshot: snapshot === undefined ? null : JSON.stringify(snapshot),
      left_at: leftAt,
    });
  }
}
