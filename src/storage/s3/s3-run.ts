import { randomBytes } from 'node:crypto';

import { LakeportError } from '../../errors.js';
import { currentProcess } from '../../runtime/process-identity.js';
import { DirectoryLocks } from '../lease/directory-locks.js';
import { RunLease } from '../lease/run-lease.js';
import { runIsActive } from '../lease/run-is-active.js';
import type { FindPublisher } from '../storage.js';
import type { S3Bucket } from './bucket.js';
import { S3ClaimNotes } from './lock-objects.js';
import { isRunDead, markerContent, type MarkerContent } from './marker.js';
import { type ObjectKeys, runClaimPath, runMarkerPath } from './object-keys.js';
import { smallObjectSettings } from './object-settings.js';
import { RunNotes } from './run-notes.js';

export interface S3RunOptions {
  readonly bucket: S3Bucket;
  readonly keys: ObjectKeys;
  readonly runId: string;
  /** A path for people. */
  readonly display: (path: string) => string;
  readonly onLost?: ((error: LakeportError) => void) | undefined;
  readonly findPublisher?: FindPublisher | undefined;
}

/**
 * This process's run: its marker in the bucket, written anew again and again, so that its age is that of the last
 * heartbeat, and its claim.
 */
export class S3Run {
  readonly runId: string;
  readonly claims: DirectoryLocks;
  readonly #bucket: S3Bucket;
  readonly #keys: ObjectKeys;
  readonly #notes: RunNotes;
  readonly #marker: MarkerContent;
  readonly lease: RunLease;

  private constructor(
    { bucket, keys, runId, display, onLost, findPublisher }: S3RunOptions,
    marker: MarkerContent & { holder: string },
  ) {
    this.runId = runId;
    this.#bucket = bucket;
    this.#keys = keys;
    this.#notes = new RunNotes(bucket, keys);
    this.#marker = marker;
    const { process, holder } = marker;
    const notes = new S3ClaimNotes({ bucket, keys, notes: this.#notes, runId, holder });
    this.claims = new DirectoryLocks({ runId, process, notes, display, findPublisher });
    this.lease = new RunLease({ claims: this.claims, beat: () => this.#write(), onLost });
  }

  /**
   * What a dead process staged under the same run id stays: this one may resume the run.
   * @throws LakeportError of class `usage` where another process is writing under this run's id
   */
  static async begin(options: S3RunOptions): Promise<S3Run> {
    const holder = randomBytes(8).toString('hex');
    const run = new S3Run(options, { process: await currentProcess(), holder });
    try {
      await run.#takeOver();
      await run.#write();
    } catch (error) {
      run.abandon();
      throw error;
    }
    return run;
  }

  /** Withdraws what this run still has staged, whichever thread or earlier process staged it, and removes all its notes. */
  async end(): Promise<void> {
    await this.lease.stop();
    // What is staged, and the notes, are the other process's.
    if (this.claims.isOvertaken || (this.lease.isLost && !(await this.#isOwnMarker()))) return;
    const notes = await this.#notes.ofRun(this.runId);
    try {
      await this.#notes.remove(notes);
    } catch (error) {
      // Credentials that may write and not delete are enough for a first export.
      if (!(error instanceof LakeportError && error.code === 'S3_ACCESS_DENIED')) throw error;
      await this.claims.giveBack();
      await this.#write({ ended: true });
    }
  }

  /** Goes away without a word, so that others take the run for dead in time. */
  abandon(): void {
    this.lease.abandon();
  }

  /** False where another process of this run has put its own in its place. */
  async #isOwnMarker(): Promise<boolean> {
    const marker = await this.#notes.marker(this.runId);
    return marker === undefined || marker.holder === this.#marker.holder;
  }

  /** Looks whether an earlier process of this run has left its marker. */
  async #takeOver(): Promise<void> {
    const { runId } = this;
    const notes = await this.#notes.ofRun(runId);
    const found = notes.find((note) => this.#notes.parse(note)?.kind === 'marker');
    if (found === undefined) return;
    const marker = await this.#notes.marker(runId);
    const silentMs = this.#notes.silentMs([found]);
    if (!(await isRunDead(marker, silentMs))) {
      throw runIsActive(runId, { process: marker?.process, marker: this.#bucket.requests.display(found.key) });
    }
    if (marker?.holder === undefined) return;
    // Before the run lives again, and with it what its processes have claimed.
    const claim = this.#keys.keyOf(runClaimPath(runId, marker.holder));
    if (notes.some(({ key }) => key === claim)) await this.#bucket.objects.remove([claim]);
  }

  async #write(state: { readonly ended?: true } = {}): Promise<void> {
    const key = this.#keys.keyOf(runMarkerPath(this.runId));
    const settings = smallObjectSettings(this.#bucket.requests.entry.info);
    await this.#bucket.objects.put({ key, settings }, markerContent({ ...this.#marker, ...state }));
  }
}
