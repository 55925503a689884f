import type { HeldSnapshot } from '../../sources/source.js';

/** `coordinator`: plans, hands out slices and publishes; `worker`: reads slices. */
export const WORKER_ROLES = ['coordinator', 'worker'] as const;

/** A slice that a worker reads now, and how far it is. */
export interface WorkerSlice {
  /** Of the queue. */
  readonly job: string;
  /** How many workers were lost before this one that were reading it. */
  readonly losses: number;
  readonly table: string;
  readonly slice: number;
  readonly rows: number;
  /** Received from the source. */
  readonly bytes: number;
  /** Its reader found no free connection at first. */
  readonly isCrowdedOut?: true | undefined;
}

/** A snapshot of the source that a process holds, with the locks of its run. */
export interface AnnouncedSnapshot extends HeldSnapshot {
  /** Of a coordinator: how many workers shall hold it too. */
  readonly keepers?: number | undefined;
}
