import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import path from 'node:path';

import { currentProcess } from '../../runtime/process-identity.js';
import type { LakeportError } from '../../errors.js';
import { DirectoryLocks } from '../lease/directory-locks.js';
import { RunLease } from '../lease/run-lease.js';
import { runIsActive } from '../lease/run-is-active.js';
import type { FindPublisher } from '../storage.js';
import { LockFiles } from './lock-files.js';
import { errnoOf, unlessMissing } from './file-errors.js';
import { cleanUp } from './run-cleanup.js';
import {
  createMarker,
  heartbeat,
  isDead,
  listMarkers,
  readMarker,
  type RunHolder,
  takeOverMarker,
} from './run-marker.js';
import { claimName, markerName } from './temporary-file.js';

export interface LocalRunOptions {
  /** Absolute. */
  readonly base: string;
  readonly runId: string;
  /** Directory of the run's tables, relative to the base; for people. */
  readonly directory: string;
  readonly ignoresCase: boolean;
  /** A path for people. */
  readonly display: (relative: string) => string;
  readonly onLost?: ((error: LakeportError) => void) | undefined;
  readonly findPublisher?: FindPublisher | undefined;
}

/** This process's run in a base directory: its marker, kept fresh, and its right to remove what dead runs left. */
export class LocalRun {
  readonly runId: string;
  readonly claims: DirectoryLocks;
  readonly #base: string;
  readonly lease: RunLease;
  readonly #holder: string;

  private constructor(options: LocalRunOptions, { process, holder }: RunHolder) {
    const { base, runId, ignoresCase, display, onLost, findPublisher } = options;
    this.#base = base;
    this.runId = runId;
    const notes = new LockFiles({ base, runId, holder, now: () => this.#now() });
    this.claims = new DirectoryLocks({ runId, process, notes, ignoresCase, display, findPublisher });
    this.#holder = holder;
    this.lease = new RunLease({ claims: this.claims, beat: () => heartbeat(base, runId), onLost });
  }

  /**
   * What a dead process staged under the same run id stays: this one may resume the run.
   * @throws LakeportError of class `usage` where another process is writing under this run's id
   */
  static async begin(options: LocalRunOptions): Promise<LocalRun> {
    const { base, runId, directory } = options;
    const run = { runId, directory, process: await currentProcess(), holder: randomBytes(8).toString('hex') };
    try {
      await createMarker(base, run);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      await takeOver(base, run);
    }
    return new LocalRun(options, run);
  }

  /**
   * Removes temporary files of dead runs; returns how many. What can't be removed does not keep it from the rest.
   * @throws the first error, after all that could be done was done
   */
  async sweep(): Promise<number> {
    const now = await this.#now();
    let removed = 0;
    const errors: unknown[] = [];
    for (const marker of await listMarkers(this.#base)) {
      if (marker.runId === this.runId || !(await isDead(marker, now))) continue;
      try {
        removed += await cleanUp(this.#base, marker);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
    return removed;
  }

  /** Removes what this run still has staged, whichever thread or earlier process staged it, and the marker. */
  async end(): Promise<void> {
    await this.lease.stop();
    // What is staged, and the marker, are the other process's.
    if (this.claims.isOvertaken) return;
    const marker = await readMarker(this.#base, this.runId);
    if (this.lease.isLost && marker !== undefined && marker.holder !== this.#holder) return;
    if (marker !== undefined) await cleanUp(this.#base, marker);
    else await this.claims.giveBack();
  }

  /**
   * Looks, for the price of one system call, whether the claim is still there: called right before each change that
   * readers see, since a file system has no condition on what a rename replaces.
   * @throws LakeportError `CLAIM_LOST`
   */
  async checkClaim(): Promise<void> {
    if (this.claims.isHeld && !existsSync(path.join(this.#base, claimName(this.runId, this.#holder)))) {
      await this.lease.recheck();
    }
  }

  /** Leaves everything as it is, as a killed process would. */
  abandon(): void {
    this.lease.abandon();
  }

  /** By the file system's clock, in milliseconds since 1970. */
  async #now(): Promise<number> {
    await heartbeat(this.#base, this.runId);
    const own = await unlessMissing(() => stat(path.join(this.#base, markerName(this.runId))));
    return own?.mtimeMs ?? Date.now();
  }
}

async function takeOver(base: string, run: RunHolder): Promise<void> {
  const { runId } = run;
  const dead = await readMarker(base, runId);
  if (dead === undefined) {
    // It has ended in this very moment.
    await createMarker(base, run);
    return;
  }
  if (!(await isDead(dead, Date.now()))) {
    throw runIsActive(runId, { process: dead.process, marker: markerName(runId) });
  }
  // Before the run lives again, and with it what its processes have claimed.
  if (dead.holder !== undefined) {
    const claim = path.join(base, claimName(runId, dead.holder));
    await unlessMissing(() => unlink(claim));
  }
  await takeOverMarker(base, run);
}
