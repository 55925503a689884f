import { z } from 'zod';

import { currentProcess, stateOf } from '../../process-identity.js';
import type { S3Bucket } from './bucket.js';
import { type ObjectKeys, runDirectory, runMarkerPath } from './object-keys.js';
import { smallObjectSettings } from './object-settings.js';
import { LakeportError } from '../../errors.js';

/** Which process a run lives in. The object is written anew again and again, so its age is that of the last heartbeat. */
const marker = z.object({
  process: z.object({
    pid: z.number(),
    started: z.string().optional(),
    host: z.string(),
    bootId: z.string().optional(),
    pidNamespace: z.string().optional(),
  }),
  /** The run is over, and its notes could not be removed. */
  ended: z.boolean().optional(),
});

const HEARTBEAT_MS = 60_000;
/** A run that nobody here can ask is taken for dead after so many milliseconds of silence. */
const SILENCE_MS = 10 * HEARTBEAT_MS;

/** A run's note in the bucket that it is alive, kept fresh until the end. */
export class RunMarker {
  readonly runId: string;
  readonly #bucket: S3Bucket;
  readonly #keys: ObjectKeys;
  #heartbeat: NodeJS.Timeout | undefined;

  private constructor(options: { readonly bucket: S3Bucket; readonly keys: ObjectKeys; readonly runId: string }) {
    this.runId = options.runId;
    this.#bucket = options.bucket;
    this.#keys = options.keys;
  }

  /** A resumed run takes over the note of the process that it was begun in. */
  static async begin(options: {
    readonly bucket: S3Bucket;
    readonly keys: ObjectKeys;
    readonly runId: string;
  }): Promise<RunMarker> {
    const run = new RunMarker(options);
    await run.#write({ ended: false });
    // A heartbeat that fails is followed by nine more before anybody takes the run for dead.
    run.#heartbeat = setInterval(() => void run.#write({ ended: false }).catch(() => undefined), HEARTBEAT_MS);
    run.#heartbeat.unref();
    return run;
  }

  /** Removes all that the run has noted about itself. */
  async end(): Promise<void> {
    this.abandon();
    const { objects } = this.#bucket;
    const notes = await objects.list(this.#keys.prefixOf(runDirectory(this.runId)));
    try {
      await objects.remove(notes.map((note) => note.key));
    } catch (error) {
      // Credentials that may write and not delete are enough for a first export.
      if (!(error instanceof LakeportError && error.code === 'S3_ACCESS_DENIED')) throw error;
      await this.#write({ ended: true });
    }
  }

  /** Goes away without a word, so that others take the run for dead in time. */
  abandon(): void {
    clearInterval(this.#heartbeat);
  }

  async #write(state: { readonly ended: boolean }): Promise<void> {
    const key = this.#keys.keyOf(runMarkerPath(this.runId));
    const content = JSON.stringify({ process: await currentProcess(), ...state });
    const settings = smallObjectSettings(this.#bucket.requests.entry.info);
    await this.#bucket.objects.put({ key, settings }, Buffer.from(content));
  }
}

/**
 * Whether a run is over, by its marker.
 * @param content of the marker; undefined where there is none
 * @param silentMs how long ago the run wrote anything at all, by the store's clock
 */
export async function isRunDead(content: Uint8Array | undefined, silentMs: number): Promise<boolean> {
  const { process, ended } = parse(content) ?? {};
  if (ended === true) return true;
  const state = process === undefined ? 'unknown' : await stateOf(process);
  return state === 'unknown' ? silentMs > SILENCE_MS : state === 'dead';
}

function parse(content: Uint8Array | undefined) {
  if (content === undefined) return undefined;
  try {
    const { process, ended } = marker.parse(JSON.parse(Buffer.from(content).toString('utf8')));
    const { started, bootId, pidNamespace } = process;
    return { process: { ...process, started, bootId, pidNamespace }, ended };
  } catch {
    // Somebody else's object, or one cut short: only its age tells something.
    return undefined;
  }
}
