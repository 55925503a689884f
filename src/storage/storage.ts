import type { LakeportError } from '../errors.js';

/**
 * Where bytes go. Every store writes in two phases: a part is staged where no reader takes it for data, and published
 * when all parts of its table are staged. Paths are relative to the storage's base, with `/` between segments that are
 * already safe (`storage/path.ts`).
 */

export interface StorageCapabilities {
  /** Publishing one part is atomic: a reader sees the old object, or the new one whole. */
  readonly atomicPublish: boolean;
  /** A staged part outlives its process and can be published by another one. */
  readonly resumableStage: boolean;
  /** True where `Orders` and `orders`, or two Unicode forms of `é`, are one name, as in most directories on macOS. */
  readonly ignoresCase?: boolean;
  /** The store can write on the condition that nothing has changed since it was listed; see `WriteOptions`. */
  readonly conditionalWrites?: boolean;
}

/** A part that is complete but not visible. Plain data: it crosses threads and lies in the run log. */
export interface StagedPart {
  readonly storageId: string;
  /** The path it was staged for; `publish` may be told another one of the same directory. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, lower case hex. */
  readonly sha256: string;
  /** What the store itself needs to publish or withdraw: temporary file, upload id with its parts, block ids. */
  readonly token: Readonly<Record<string, unknown>>;
}

/** One part being written. `write` waits when the store is slower than the writer. */
export interface PartWriter {
  /** Takes ownership of the chunks: they must not change afterwards. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Completes the stage. */
  end(): Promise<StagedPart>;
  /** Throws away what was written; leaves nothing behind. Safe to call at any time, more than once. */
  abort(): Promise<void>;
}

export interface StageOptions {
  /** Names the run in the temporary object, so that a later run knows whose it is. */
  readonly runId: string;
  /** How large the part may get, for stores that must choose a part size beforehand. */
  readonly expectedBytes?: number | undefined;
  /**
   * True where the part may be published under a later name than the one it is staged for, or is likely to be under
   * another one. A store that binds a stage to its name then takes a hidden one, and copies on publishing. Without it a
   * part keeps its name or, where parts before it turn out to be empty, takes an earlier one.
   */
  readonly provisional?: boolean | undefined;
}

/** Where a part stands that was staged earlier: it can be published, its content is at its place, or neither. */
export type StagedState = 'staged' | 'published' | 'gone';

/** Bytes of an object, counted from 0; what is past its end is left out. */
export interface ByteRange {
  readonly start: number;
  /** The first byte after the range; greater than `start`. To the end of the object without it. */
  readonly end?: number | undefined;
}

export interface StoredObject {
  readonly path: string;
  readonly bytes: number;
  /** ETag, generation: what the store tells this content by from what replaces it; undefined where it has no such thing. */
  readonly version?: string | undefined;
}

/** What a write may replace: an object of that version or, without one, nothing. */
export interface Replaced {
  readonly version: string | undefined;
}

export interface WriteOptions {
  /**
   * What was seen at the place while the run's claim was proven. Stores with conditional writes refuse the write where
   * something else is there by now: a process that was stopped just before it can't overwrite what is newer.
   */
  readonly replaces?: Replaced | undefined;
  /**
   * Proves once more that the run's claim is its own; for stores that come to their request late, or without a condition.
   * @throws LakeportError `CLAIM_LOST`
   */
  readonly confirm?: (() => Promise<void>) | undefined;
}

export interface RemoveOptions {
  /** By path: the versions to remove, in stores that can tell. */
  readonly versions?: ReadonlyMap<string, string> | undefined;
}

/** @param directories of tables, relative to the base */
export type FindPublisher = (
  directories: readonly string[],
) => Promise<{ readonly runId: string; readonly directory: string } | undefined>;

export interface RunIdentity {
  readonly runId: string;
  /** Of the run's tables, relative to the base; for people. */
  readonly directory: string;
  /** Told once, when another run has taken over what this one had claimed; see `Storage.confirmClaim`. */
  readonly onLost?: ((error: LakeportError) => void) | undefined;
  /** Finds the run that has published to one of the directories since this one began: who took over may have ended. */
  readonly findPublisher?: FindPublisher | undefined;
}

/** One place to write to; opened once in the main thread and once in each worker. */
export interface Storage {
  readonly id: string;
  readonly kind: string;
  readonly capabilities: StorageCapabilities;
  /** For people: `./exports/public/orders/part-00000.parquet`, `s3://bucket/base/…`. */
  display(path: string): string;
  /** Fails early where the base can't be written to. Creates it where that is the custom (a local directory). */
  prepare(): Promise<void>;
  /** Most memory that one `PartWriter` takes, in bytes; absent where it is next to nothing. */
  writerMemoryBytes?(expectedBytes?: number): number;
  stage(path: string, options: StageOptions): Promise<PartWriter>;
  /**
   * Makes a staged part visible at `path` (same directory as it was staged for), replacing what is there. Parts of one
   * directory whose names differ from the staged ones are published in the order of their names.
   * @throws LakeportError `TARGET_CHANGED` where it would replace something else than `options.replaces`
   */
  publish(part: StagedPart, path: string, options?: WriteOptions): Promise<void>;
  /**
   * Finds out where a part stands that an earlier process of the same run has staged to be published at `path`. Cheap:
   * one or two questions to the store; content is read only of a file on disk.
   */
  locate(part: StagedPart, path: string): Promise<StagedState>;
  /** Removes a staged part. One that is gone already is no error. */
  discard(part: StagedPart): Promise<void>;
  /**
   * Writes a small whole object, atomically where the store can.
   * @throws LakeportError `TARGET_CHANGED` where it would replace something else than `options.replaces`
   */
  put(path: string, content: Uint8Array, options?: WriteOptions): Promise<void>;
  /** A small object's content, or that of a range of any object; undefined where there is no such object. */
  get(path: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  /** A single object as a listing would show it; absent where the store has no conditional writes. */
  find?(path: string): Promise<StoredObject | undefined>;
  /** Objects below a directory, temporary ones left out. */
  list(directory: string): Promise<StoredObject[]>;
  /** Removes objects; those that are gone already are no error. */
  remove(paths: readonly string[], options?: RemoveOptions): Promise<void>;
  /**
   * Marks the run as alive in the target, so that others leave its temporary objects alone, until `endRun`. What a dead
   * process of the same run has staged stays, for this one to publish.
   * @throws LakeportError `RUN_IS_ACTIVE` where another process lives that writes under this run's id
   */
  beginRun(run: RunIdentity): Promise<void>;
  /**
   * Takes the directories (relative to the base) for this run alone, and all below them, until `endRun`. Called after
   * `beginRun`, and before anything is written there; all directories of the run at once. What dead runs had taken is
   * free.
   * @throws LakeportError `TARGET_IN_USE` where one of them overlaps with one of another run's that lives; none is taken
   */
  claim(directories: readonly string[]): Promise<void>;
  /**
   * Settles when the store has confirmed that the claim is still this run's: a process that was stopped, or a machine
   * that slept, may find that others have taken it for dead. At once where nothing is claimed.
   * @throws LakeportError `CLAIM_LOST` where another run has taken over; nothing may be published any more
   */
  confirmClaim(): Promise<void>;
  /** Removes what dead runs left staged. Returns how many temporary objects were removed. */
  sweep(): Promise<number>;
  /** Removes what this run has still staged, its earlier processes included, and gives its directories back. */
  endRun(): Promise<void>;
  close(): Promise<void>;
}
