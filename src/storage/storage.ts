import type { LakeportError } from '../errors.js';

/**
 * The interface of every store. Writing has two phases: a part is staged where no reader takes it for data, and published
 * when all parts of its table are staged. Paths are relative to the storage's base, with `/` between validated segments
 * (`storage/path.ts`).
 */

export interface StorageCapabilities {
  /** Publishing a part is atomic: a reader sees either the old object or the complete new one. */
  readonly atomicPublish: boolean;
  /** A staged part outlives its process and can be published by another one. */
  readonly resumableStage: boolean;
  /** Whether `Orders` and `orders`, or two Unicode forms of `é`, are the same name, as in most directories on macOS. */
  readonly ignoresCase?: boolean;
  /** The store supports writes that fail if anything has changed since the listing; see `WriteOptions`. */
  readonly conditionalWrites?: boolean;
}

/** A complete but invisible part. Plain data: it is sent between threads and stored in the run log. */
export interface StagedPart {
  readonly storageId: string;
  /** The path it was staged for; `publish` may get another one in the same directory. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, lower case hex. */
  readonly sha256: string;
  /** What the store itself needs to publish or discard it: temporary file, upload id with its parts, block ids. */
  readonly token: Readonly<Record<string, unknown>>;
}

/** A part being written. `write` waits if the store is slower than the writer. */
export interface PartWriter {
  /** Takes ownership of the chunks, which may be gone afterwards. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Completes the staging. */
  end(): Promise<StagedPart>;
  /** Discards what was written and leaves nothing behind. May be called at any time, more than once. */
  abort(): Promise<void>;
}

export interface StageOptions {
  /** Included in the temporary object's name, so that a later run knows its owner. */
  readonly runId: string;
  /** Expected size of the part, for stores that must choose a part size in advance. */
  readonly expectedBytes?: number | undefined;
  /**
   * True if the part may be published under a later name than the staged one, or is likely to get another name. A store
   * that binds a staged part to its name then uses a hidden name, and copies on publishing. Otherwise a part keeps its name
   * or, if parts before it turn out to be empty, gets an earlier one.
   */
  readonly provisional?: boolean | undefined;
}

/** State of a part staged earlier: it can be published, its content is at its destination, or neither. */
export type StagedState = 'staged' | 'published' | 'gone';

/** Byte range of an object, counted from 0; anything past its end is omitted. */
export interface ByteRange {
  readonly start: number;
  /** Exclusive end, greater than `start`. The end of the object if absent. */
  readonly end?: number | undefined;
}

export interface StoredObject {
  readonly path: string;
  readonly bytes: number;
  /** ETag or generation: distinguishes this content from later versions; undefined if the store has none. */
  readonly version?: string | undefined;
}

export interface StoredContent extends StoredObject {
  readonly content: Uint8Array;
}

/** What a write may replace: that version of an object or, without a version, nothing. */
export interface Replaced {
  readonly version: string | undefined;
}

export interface WriteOptions {
  /**
   * What was at the destination while the run's claim was confirmed. Stores with conditional writes reject the write if
   * something else is there by now, so a process that was suspended just before it cannot overwrite anything newer.
   */
  readonly replaces?: Replaced | undefined;
  /**
   * Confirms once more that the claim is this run's; for stores whose request is delayed, or unconditional.
   * @throws LakeportError `CLAIM_LOST`
   */
  readonly confirm?: (() => Promise<void>) | undefined;
  /** The caller calls `persist` before it relies on the name: that makes many names durable at once. */
  readonly isPersistedLater?: boolean | undefined;
}

export interface RemoveOptions {
  /** By path: the versions to remove, if the store distinguishes versions. */
  readonly versions?: ReadonlyMap<string, string> | undefined;
}

export interface SweepOptions {
  /** Only these runs, as far as they are dead; all dead ones if absent. */
  readonly runIds?: ReadonlySet<string> | undefined;
  /** Only counts. */
  readonly isDryRun?: boolean | undefined;
}

/** @param directories of tables, relative to the base */
export type FindPublisher = (
  directories: readonly string[],
) => Promise<{ readonly runId: string; readonly directory: string } | undefined>;

export interface RunIdentity {
  readonly runId: string;
  /** Directory of the run's tables, relative to the base; for messages. */
  readonly directory: string;
  /** Called once, when another run has taken over what this one had claimed; see `Storage.confirmClaim`. */
  readonly onLost?: ((error: LakeportError) => void) | undefined;
  /** Finds the run that has published to one of the directories since this run began: the run that took over may have ended. */
  readonly findPublisher?: FindPublisher | undefined;
}

/** Where something is, for programs that are to read it; without credentials. */
export type Place =
  /** An absolute path. */
  | { readonly kind: 'local'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      readonly key: string;
      /** URL of a store other than Amazon's own. */
      readonly endpoint: string | undefined;
      readonly region: string | undefined;
    }
  | { readonly kind: 'gcs'; readonly bucket: string; readonly key: string; readonly service: string }
  /** `service` is the URL of the account. */
  | { readonly kind: 'azure'; readonly service: string; readonly container: string; readonly key: string };

/** A destination; opened once in the main thread and once in each worker. */
export interface Storage {
  readonly id: string;
  readonly kind: string;
  readonly capabilities: StorageCapabilities;
  /** For messages: `./exports/public/orders/part-00000.parquet`, `s3://bucket/base/…`. */
  display(path: string): string;
  place(path: string): Place;
  /** Fails early if the base is not writable. Creates it if that is customary (a local directory). */
  prepare(): Promise<void>;
  /** Maximum memory of one `PartWriter`, in bytes; absent if negligible. */
  writerMemoryBytes?(expectedBytes?: number): number;
  stage(path: string, options: StageOptions): Promise<PartWriter>;
  /**
   * Publishes a staged part at `path` (in the directory that it was staged for), replacing what is there. Parts of a
   * directory that get other names than the staged ones are published in the order of their names.
   * @throws LakeportError `TARGET_CHANGED` if it would replace anything but `options.replaces`
   */
  publish(part: StagedPart, path: string, options?: WriteOptions): Promise<void>;
  /**
   * State of a part that an earlier process of the same run has staged for publication at `path`. Cheap: one or two
   * requests to the store; only a local file's content is read.
   */
  locate(part: StagedPart, path: string): Promise<StagedState>;
  /** Removes a staged part. A missing part is not an error. */
  discard(part: StagedPart): Promise<void>;
  /**
   * Writes a complete small object, atomically if the store supports that.
   * @throws LakeportError `TARGET_CHANGED` if it would replace anything but `options.replaces`
   */
  put(path: string, content: Uint8Array, options?: WriteOptions): Promise<void>;
  /**
   * Makes durable what `publish` and `put` have written to these directories with `isPersistedLater`; absent if the store
   * has no such thing.
   */
  persist?(directories: readonly string[]): Promise<void>;
  /** Content of a small object, or of a range of any object; undefined if there is no such object. */
  get(path: string, range?: ByteRange): Promise<Uint8Array | undefined>;
  /** A single object as a listing would show it; undefined if there is none, and for a directory. */
  find(path: string): Promise<StoredObject | undefined>;
  /** A small object as `find` would return it, with its content: one request in most stores. */
  read(path: string): Promise<StoredContent | undefined>;
  /** Objects below a directory, without temporary ones. */
  list(directory: string): Promise<StoredObject[]>;
  /** Removes objects; missing ones are not an error. */
  remove(paths: readonly string[], options?: RemoveOptions): Promise<void>;
  /**
   * Marks the run as live in the destination until `endRun`, so that others leave its temporary objects alone. What a dead
   * process of the same run has staged is kept, for this one to publish.
   * @throws LakeportError `RUN_IS_ACTIVE` if another live process writes under this run's id
   */
  beginRun(run: RunIdentity): Promise<void>;
  /**
   * Claims the directories (relative to the base) and everything below them for this run, until `endRun`. Called after
   * `beginRun`, before anything is written there, with all directories of the run at once. Claims of dead runs do not count.
   * @throws LakeportError `TARGET_IN_USE` if one of them overlaps with a live run's claim; none is claimed then
   */
  claim(directories: readonly string[]): Promise<void>;
  /**
   * Resolves once the store has confirmed that the claim is still this run's: after a process was suspended or a machine
   * slept, others may have assumed it dead. Resolves at once if nothing is claimed.
   * @throws LakeportError `CLAIM_LOST` if another run has taken over; nothing may be published any more
   */
  confirmClaim(): Promise<void>;
  /** Removes what dead runs left staged. Returns the number of temporary objects removed. */
  sweep(options?: SweepOptions): Promise<number>;
  /** Removes what this run, earlier processes included, still has staged, and releases its directories. */
  endRun(): Promise<void>;
  close(): Promise<void>;
}
