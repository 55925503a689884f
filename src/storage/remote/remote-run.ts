import { randomBytes } from 'node:crypto';

import { currentProcess, stateOf } from '../../process-identity.js';
import { Claims, SILENCE_MS } from '../claims.js';
import { runIsActive } from '../run-is-active.js';
import { RemoteClaimNotes } from './claim-notes.js';
import { claimName, markerName, runOfClaim, runOfMarker, runOfPart } from './hidden-names.js';
import type { HiddenObject, HiddenObjects } from './hidden-objects.js';
import { type MarkerContent, markerContent, parseMarker } from './marker-content.js';

const HEARTBEAT_MS = 60_000;

export interface RemoteRunOptions {
  readonly objects: HiddenObjects;
  readonly runId: string;
  /** Directory of the run's tables, relative to the base; for people. */
  readonly directory: string;
  /** A path for people. */
  readonly display: (path: string) => string;
}

/**
 * This process's run in a store: its marker, kept fresh, and its right to remove what dead runs left. Ages are by the
 * store's clock alone, so that it doesn't matter how clocks of machines differ.
 */
export class RemoteRun {
  readonly runId: string;
  readonly claims: Claims;
  readonly #objects: HiddenObjects;
  readonly #marker: Uint8Array;
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> = Promise.resolve();

  private constructor(options: { objects: HiddenObjects; runId: string; marker: Uint8Array; claims: Claims }) {
    this.#objects = options.objects;
    this.runId = options.runId;
    this.claims = options.claims;
    this.#marker = options.marker;
    this.#timer = setInterval(() => {
      // A heartbeat that can't be written makes the run look older to other machines; the run itself goes on.
      this.#beating = this.#beat().catch(() => undefined);
    }, HEARTBEAT_MS).unref();
  }

  /**
   * What a dead process staged under the same run id stays: this one may resume the run.
   * @throws LakeportError of class `usage` where another process is writing under this run's id
   */
  static async begin({ objects, runId, directory, display }: RemoteRunOptions): Promise<RemoteRun> {
    const holder = randomBytes(8).toString('hex');
    const process = await currentProcess();
    const marker = markerContent({ process, holder, directory });
    if (!(await objects.create(markerName(runId), marker))) {
      const dead = await refuseIfAlive(objects, runId);
      // Before the run lives again, and with it what its processes have claimed.
      if (dead?.holder !== undefined) await objects.remove([claimName(runId, dead.holder)]);
      await objects.put(markerName(runId), marker);
    }
    const notes = new RemoteClaimNotes(objects, { runId, holder });
    return new RemoteRun({ objects, runId, marker, claims: new Claims({ runId, process, notes, display }) });
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
    clearInterval(this.#timer);
    await this.#beating;
    // What is staged, and the marker, are the other process's.
    if (this.claims.isOvertaken) return;
    const { objects } = await this.#objects.list();
    await this.#remove(this.runId, objects);
  }

  /** Leaves everything as it is, as a killed process would. */
  abandon(): void {
    clearInterval(this.#timer);
  }

  #beat(): Promise<void> {
    return this.#objects.put(markerName(this.runId), this.#marker);
  }

  async #remove(runId: string, objects: readonly HiddenObject[]): Promise<number> {
    const names = objects.map(({ name }) => name);
    const parts = names.filter((name) => runOfPart(name) === runId);
    await this.#objects.remove([...parts, ...names.filter((name) => runOfClaim(name) === runId)]);
    // Last: as long as the marker is there, the parts are known to be that run's.
    await this.#objects.remove([markerName(runId)]);
    return parts.length;
  }

  async #deadRuns(objects: readonly HiddenObject[], now: number): Promise<Set<string>> {
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
async function refuseIfAlive(objects: HiddenObjects, runId: string): Promise<MarkerContent | undefined> {
  const content = await readMarker(objects, runId);
  const process = content?.process;
  const state = process === undefined ? 'unknown' : await stateOf(process);
  if (state === 'dead') return content;
  const listed = await objects.list();
  const marker = listed.objects.find(({ name }) => name === markerName(runId));
  if (marker === undefined || (state === 'unknown' && listed.now - marker.modifiedAt > SILENCE_MS)) return content;
  throw runIsActive(runId, { process, marker: markerName(runId) });
}

async function readMarker(objects: HiddenObjects, runId: string): Promise<MarkerContent | undefined> {
  const content = await objects.get(markerName(runId));
  return content === undefined ? undefined : parseMarker(content);
}
