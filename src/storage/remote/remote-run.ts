import { LakeportError } from '../../errors.js';
import { currentProcess, type ProcessIdentity, stateOf } from '../../process-identity.js';
import { markerName, runOfMarker, runOfPart } from './hidden-names.js';

/** An object in the hidden directory of a base. */
export interface HiddenObject {
  /** Within the directory. */
  readonly name: string;
  /** By the store's clock, in milliseconds since 1970. */
  readonly modifiedAt: number;
}

/** The hidden directory, as far as a run needs it. */
export interface HiddenObjects {
  /** @returns `now` is the store's clock */
  list(): Promise<{ readonly objects: readonly HiddenObject[]; readonly now: number }>;
  get(name: string): Promise<Uint8Array | undefined>;
  put(name: string, content: Uint8Array): Promise<void>;
  /** Writes an object that must not be there yet; false where it is. */
  create(name: string, content: Uint8Array): Promise<boolean>;
  /** Those that are gone already are no error. */
  remove(names: readonly string[]): Promise<void>;
}

const HEARTBEAT_MS = 60_000;
/** A run whose process nobody here can ask is taken for dead after so many milliseconds of silence. */
const SILENCE_MS = 10 * HEARTBEAT_MS;

/**
 * This process's run in a store: its marker, kept fresh, and its right to remove what dead runs left. Ages are by the
 * store's clock alone, so that it doesn't matter how clocks of machines differ.
 */
export class RemoteRun {
  readonly runId: string;
  readonly #objects: HiddenObjects;
  readonly #marker: Uint8Array;
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> = Promise.resolve();

  private constructor(objects: HiddenObjects, runId: string, marker: Uint8Array) {
    this.#objects = objects;
    this.runId = runId;
    this.#marker = marker;
    this.#timer = setInterval(() => {
      // A heartbeat that can't be written makes the run look older to other machines; the run itself goes on.
      this.#beating = this.#beat().catch(() => undefined);
    }, HEARTBEAT_MS).unref();
  }

  /**
   * What a dead process staged under the same run id stays: this one may resume the run.
   * @throws LakeportError of class `usage` where another process is writing under this run's id
   */
  static async begin(objects: HiddenObjects, run: { runId: string; directory: string }): Promise<RemoteRun> {
    const content = { ...(await currentProcess()), directory: run.directory, createdAt: new Date().toISOString() };
    const marker = Buffer.from(`${JSON.stringify(content)}\n`);
    if (!(await objects.create(markerName(run.runId), marker))) {
      await refuseIfAlive(objects, run.runId);
      await objects.put(markerName(run.runId), marker);
    }
    return new RemoteRun(objects, run.runId, marker);
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
      const parts = objects.filter(({ name }) => runOfPart(name) === runId).map(({ name }) => name);
      try {
        await this.#objects.remove(parts);
        // Last: as long as the marker is there, the parts are known to be that run's.
        await this.#objects.remove([markerName(runId)]);
        removed += parts.length;
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
    await this.#beating;
    const { objects } = await this.#objects.list();
    const own = objects.filter(({ name }) => runOfPart(name) === this.runId).map(({ name }) => name);
    await this.#objects.remove(own);
    await this.#objects.remove([markerName(this.runId)]);
  }

  /** Leaves everything as it is, as a killed process would. */
  abandon(): void {
    clearInterval(this.#timer);
  }

  #beat(): Promise<void> {
    return this.#objects.put(markerName(this.runId), this.#marker);
  }

  async #deadRuns(objects: readonly HiddenObject[], now: number): Promise<Set<string>> {
    const dead = new Set<string>();
    /** When each run was last heard of: by its marker, or where it has none, by the latest part. */
    const heard = new Map<string, number>();
    const marked = new Set<string>();
    for (const { name, modifiedAt } of objects) {
      const marker = runOfMarker(name);
      const runId = marker ?? runOfPart(name);
      if (runId === undefined || runId === this.runId) continue;
      if (marker !== undefined) marked.add(marker);
      heard.set(runId, Math.max(modifiedAt, heard.get(runId) ?? 0));
    }
    for (const [runId, at] of heard) {
      const process = marked.has(runId) ? await processOf(this.#objects, runId) : undefined;
      const state = process === undefined ? 'unknown' : await stateOf(process);
      if (state === 'dead' || (state === 'unknown' && now - at > SILENCE_MS)) dead.add(runId);
    }
    return dead;
  }
}

async function refuseIfAlive(objects: HiddenObjects, runId: string): Promise<void> {
  const process = await processOf(objects, runId);
  const state = process === undefined ? 'unknown' : await stateOf(process);
  if (state === 'dead') return;
  const listed = await objects.list();
  const marker = listed.objects.find(({ name }) => name === markerName(runId));
  if (marker === undefined || (state === 'unknown' && listed.now - marker.modifiedAt > SILENCE_MS)) return;
  const holder = process === undefined ? 'another process' : `process ${process.pid} on ${process.host}`;
  throw new LakeportError({
    code: 'RUN_IS_ACTIVE',
    exit: 'usage',
    message: `Run ${runId} is being written by ${holder}`,
    hint: 'Wait until it has ended, or give this run another --run_id.',
    context: { path: markerName(runId) },
  });
}

async function processOf(objects: HiddenObjects, runId: string): Promise<ProcessIdentity | undefined> {
  const content = await objects.get(markerName(runId));
  if (content === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(content).toString());
    return isIdentity(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' && value !== null && 'pid' in value && typeof value.pid === 'number' && 'host' in value
  );
}
