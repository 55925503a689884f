import { stat } from 'node:fs/promises';
import path from 'node:path';

import { LakeportError } from '../../errors.js';
import { errnoOf, unlessMissing } from './file-errors.js';
import { cleanUp } from './run-cleanup.js';
import { createMarker, heartbeat, HEARTBEAT_MS, isDead, listMarkers, readMarker } from './run-marker.js';
import { markerName } from './temporary-file.js';

/** This process's run in a base directory: its marker, kept fresh, and its right to remove what dead runs left. */
export class LocalRun {
  readonly runId: string;
  readonly #base: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(base: string, runId: string) {
    this.#base = base;
    this.runId = runId;
    // A heartbeat that can't be written makes the run look older to other machines; the run itself goes on.
    this.#timer = setInterval(() => void heartbeat(base, runId).catch(() => undefined), HEARTBEAT_MS).unref();
  }

  /** @throws LakeportError of class `usage` where another process is writing under this run's id */
  static async begin(base: string, run: { runId: string; directory: string }): Promise<LocalRun> {
    try {
      await createMarker(base, run);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      await takeOver(base, run.runId);
      await createMarker(base, run);
    }
    return new LocalRun(base, run.runId);
  }

  /**
   * Removes temporary files of dead runs; returns how many. What can't be removed does not keep it from the rest.
   * @throws the first error, after all that could be done was done
   */
  async sweep(): Promise<number> {
    await heartbeat(this.#base, this.runId);
    const own = await unlessMissing(() => stat(path.join(this.#base, markerName(this.runId))));
    const now = own?.mtimeMs ?? Date.now();
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

  /** Removes what this run still has staged, whichever thread staged it, and the marker. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    const marker = await readMarker(this.#base, this.runId);
    if (marker !== undefined) await cleanUp(this.#base, marker);
  }

  /** Leaves everything as it is, as a killed process would. */
  abandon(): void {
    clearInterval(this.#timer);
  }
}

async function takeOver(base: string, runId: string): Promise<void> {
  const marker = await readMarker(base, runId);
  if (marker === undefined) return;
  if (!(await isDead(marker, Date.now()))) {
    const holder = marker.process;
    throw new LakeportError({
      code: 'RUN_IS_ACTIVE',
      exit: 'usage',
      message:
        holder === undefined
          ? `Run ${runId} is being written by another process`
          : `Run ${runId} is being written by process ${holder.pid} on ${holder.host}`,
      hint: 'Wait until it has ended, or give this run another --run_id.',
      context: { path: markerName(runId) },
    });
  }
  await cleanUp(base, marker);
}
