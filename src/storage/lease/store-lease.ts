import { randomBytes } from 'node:crypto';

import type { LakeportError } from '../../errors.js';
import { currentProcess, stateOf } from '../../runtime/process-identity.js';
import { DirectoryLocks } from './directory-locks.js';
import { SILENCE_MS } from './lease-times.js';
import { RunLease } from './run-lease.js';
import { runIsActive } from './run-is-active.js';
import type { FindPublisher } from '../storage.js';
import { PrivateLockObjects } from './lock-objects.js';
import { claimName, markerName, runOfClaim, runOfMarker, runOfPart } from './private-names.js';
import type { PrivateObject, PrivateObjects } from './private-objects.js';
import { type MarkerContent, markerContent, parseMarker } from './marker.js';

export interface RemoteRunOptions {
  readonly objects: PrivateObjects;
  readonly runId: string;
  /** Directory of the run's tables, relative to the base; for people. */
  readonly directory: string;
  /** A path for people. */
  readonly display: (path: string) => string;
  readonly onLost?: ((error: LakeportError) => void) | undefined;
  readonly findPublisher?: FindPublisher | undefined;
}

interface RemoteRunState {
  readonly objects: PrivateObjects;
  readonly runId: string;
  readonly holder: string;
  readonly marker: Uint8Array;
  readonly claims: DirectoryLocks;
  readonly onLost: ((error: LakeportError) => void) | undefined;
}

/**
 * This process's run in a store: its marker, kept fresh, and its right to remove what dead runs left. Ages are by the
 * store's clock alone, so that it doesn't matter how clocks of machines differ.
 */
export class RemoteRun {
  readonly runId: string;
  readonly claims: DirectoryLocks;
  readonly #objects: PrivateObjects;
  readonly lease: RunLease;
  readonly #holder: string;

  private constructor({ objects, runId, holder, marker, claims, onLost }: RemoteRunState) {
    this.#objects = objects;
    this.runId = runId;
    this.claims = claims;
    this.#holder = holder;
    this.lease = new RunLease({ claims, beat: () => objects.put(markerName(runId), marker), onLost });
  }

  /**
   * What a dead process staged under the same run id stays: this one may resume the run.
   * @throws LakeportError of class `usage` where another process is writing under this run's id
   */
  static async begin(options: RemoteRunOptions): Promise<RemoteRun> {
    const { objects, runId, directory, display, onLost, findPublisher } = options;
    const holder = randomBytes(8).toString('hex');
    const process = await currentProcess();
    const marker = markerContent({ process, holder, directory });
    if (!(await objects.create(markerName(runId), marker))) {
      const dead = await refuseIfAlive(objects, runId);
      // Before the run lives again, and with it what its processes have claimed.
      if (dead?.holder !== undefined) await objects.remove([claimName(runId, dead.holder)]);
      await objects.put(markerName(runId), marker);
    }
    const notes = new PrivateLockObjects(objects, { runId, holder });
    const claims = new DirectoryLocks({ runId, process, notes, display, findPublisher });
    return new RemoteRun({ objects, runId, holder, marker, claims, onLost });
  }

  /**
   * Removes what dead runs staged, and their markers. Returns how many staged parts there were. What can't be removed
   * does not keep it from the rest.
   * @throws the first error, after all that could be done was done
   */
  async sweep(): Promise<number> {
    const { objects, now } = await this.#objects.list();
    const errors: unknown[] = [];
    let removed = 0;
    for (const runId of await this.#deadRuns(objects, now)) {
      try {
        removed += await this.#remove(runId, objects);
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
    if (this.claims.isOvertaken || (this.lease.isLost && !(await this.#isOwnMarker()))) return;
    const { objects } = await this.#objects.list();
    await this.#remove(this.runId, objects);
  }

  /** Leaves everything as it is, as a killed process would. */
  abandon(): void {
    this.lease.abandon();
  }

  /** False where another process of this run has put its own in its place. */
  async #isOwnMarker(): Promise<boolean> {
    const marker = await readMarker(this.#objects, this.runId);
    return marker === undefined || marker.holder === this.#holder;
  }

  async #remove(runId: string, objects: readonly PrivateObject[]): Promise<number> {
    const names = objects.map(({ name }) => name);
    const parts = names.filter((name) => runOfPart(name) === runId);
    await this.#objects.remove([...parts, ...names.filter((name) => runOfClaim(name) === runId)]);
    // Last: as long as the marker is there, the parts are known to be that run's.
    await this.#objects.remove([markerName(runId)]);
    return parts.length;
  }

  async #deadRuns(objects: readonly PrivateObject[], now: number): Promise<Set<string>> {
    const dead = new Set<string>();
    /** When each run was last heard of: by its marker, or where it has none, by the latest part. */
    const heard = new Map<string, number>();
    const marked = new Set<string>();
    for (const { name, modifiedAt } of objects) {
      const marker = runOfMarker(name);
      const runId = marker ?? runOfPart(name) ?? runOfClaim(name);
      if (runId === undefined || runId === this.runId) continue;
      if (marker !== undefined) marked.add(marker);
      heard.set(runId, Math.max(modifiedAt, heard.get(runId) ?? 0));
    }
    for (const [runId, at] of heard) {
      const process = marked.has(runId) ? (await readMarker(this.#objects, runId))?.process : undefined;
      const state = process === undefined ? 'unknown' : await stateOf(process);
      if (state === 'dead' || (state === 'unknown' && now - at > SILENCE_MS)) dead.add(runId);
    }
    return dead;
  }
}

/** What the marker says of a process that is dead. */
async function refuseIfAlive(objects: PrivateObjects, runId: string): Promise<MarkerContent | undefined> {
  const content = await readMarker(objects, runId);
  const process = content?.process;
  const state = process === undefined ? 'unknown' : await stateOf(process);
  if (state === 'dead') return content;
  const listed = await objects.list();
  const marker = listed.objects.find(({ name }) => name === markerName(runId));
  if (marker === undefined || (state === 'unknown' && listed.now - marker.modifiedAt > SILENCE_MS)) return content;
  throw runIsActive(runId, { process, marker: markerName(runId) });
}

async function readMarker(objects: PrivateObjects, runId: string): Promise<MarkerContent | undefined> {
  const content = await objects.get(markerName(runId));
  return content === undefined ? undefined : parseMarker(content);
}
