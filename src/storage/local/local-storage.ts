import { closeSync, existsSync, openSync, readdirSync, renameSync, statSync } from 'node:fs';
import { open, readFile, stat, unlink } from 'node:fs/promises';
import path from 'node:path';

import { LakeportError } from '../../errors.js';
import { isOwnPath } from '../lease/own-paths.js';
import { StoreLease } from '../lease/store-lease.js';
import { assertSafePath, directoryOf, joinPath, nameOf } from '../path.js';
import type {
  ByteRange,
  StagedState,
  PartWriter,
  Place,
  RunIdentity,
  StagedPart,
  StageOptions,
  Storage,
  StorageCapabilities,
  SweepOptions,
  StoredContent,
  StoredObject,
  WriteOptions,
} from '../storage.js';
import { readToken } from '../staged-token.js';
import { prepareBase } from './base-directory.js';
import { DirectorySync } from './directory-sync.js';
import { errnoOf, explained, isMissing, unlessMissing } from './file-errors.js';
import { LeaseFiles } from './lease-files.js';
import { foldsNames } from './name-rules.js';
import { OpenFile } from './open-file.js';
import { isSyncedLater, LocalPartWriter } from './part-writer.js';
import { removeEmptyDirectories, withdrawFiles } from './run-directories.js';
import { localToken } from './staged-token.js';
import { standingOf } from './staged-state.js';
import { TemporaryFiles } from './temporary-files.js';

/** Used in names of temporary files that belong to no run. */
const NO_RUN = 'none';

export interface LocalStorageOptions {
  readonly id: string;
  /** Absolute. */
  readonly base: string;
  /** As the user typed it. */
  readonly shownBase: string;
  readonly ignoresCase: boolean;
}

/** A directory. A part is staged as a hidden file next to its destination, and published by a rename. */
export class LocalStorage implements Storage {
  readonly id: string;
  readonly kind = 'local';
  #ignoresCase: boolean;
  readonly #base: string;
  readonly #shownBase: string;
  readonly #temporaries: TemporaryFiles;
  readonly #sync = new DirectorySync();
  /** Directories whose own names are known to be on disk. */
  readonly #durable = new Set<string>();
  #run: { readonly id: string; readonly lease: StoreLease } | undefined;

  constructor(options: LocalStorageOptions) {
    this.id = options.id;
    this.#ignoresCase = options.ignoresCase;
    this.#base = options.base;
    this.#shownBase = options.shownBase.replace(/(?<=.)\/+$/, '');
    this.#temporaries = new TemporaryFiles(options.base);
  }

  place(relative: string): Place {
    return { kind: 'local', path: path.join(this.#base, relative) };
  }

  display(relative: string): string {
    return joinPath(this.#shownBase, relative).replace(/^\/\/+/, '/');
  }

  /** Name folding is only known for certain after `prepare`. */
  get capabilities(): StorageCapabilities {
    return { atomicPublish: true, resumableStage: true, ignoresCase: this.#ignoresCase };
  }

  async prepare(): Promise<void> {
    await prepareBase(this.#base, this.#shownBase, this.#sync);
    this.#ignoresCase = (await foldsNames(this.#base)) ?? this.#ignoresCase;
  }

  async stage(relative: string, options: StageOptions): Promise<PartWriter> {
    assertSafePath(relative);
    const directory = directoryOf(relative);
    const stem = nameOf(relative).replace(/\..*$/, '');
    const temporary = await explained(this.display(directory), () =>
      Promise.resolve(this.#temporaries.create({ runId: options.runId, directory, stem })),
    );
    return new LocalPartWriter({
      storageId: this.id,
      path: relative,
      temporary,
      shownPath: this.display(relative),
      afterAbort: () => this.#temporaries.tidy(directory),
    });
  }

  async publish(part: StagedPart, relative: string, options: WriteOptions = {}): Promise<void> {
    const { file } = readToken(part, localToken);
    assertSafePath(relative);
    if (directoryOf(file) !== directoryOf(relative)) {
      throw new LakeportError({
        code: 'PART_OF_OTHER_DIRECTORY',
        message: `A part staged in ${directoryOf(file)} cannot be published as ${relative}`,
      });
    }
    await explained(this.display(relative), async () => {
      try {
        if (isSyncedLater(part)) await syncFile(this.#absolute(file));
        await this.#checkClaim();
        renameSync(this.#absolute(file), this.#absolute(relative));
      } catch (error) {
        throw isMissing(error) ? this.#partGone(file, error) : error;
      }
      if (this.#run !== undefined) this.#temporaries.isNoted(this.#run.id, directoryOf(relative));
      if (options.isPersistedLater !== true) await this.#makeDurable(directoryOf(relative));
    });
  }

  async locate(part: StagedPart, relative: string): Promise<StagedState> {
    const { file } = readToken(part, localToken);
    assertSafePath(relative);
    return await explained(this.display(relative), () =>
      standingOf(part, { staged: this.#absolute(file), published: this.#absolute(relative) }),
    );
  }

  async discard(part: StagedPart): Promise<void> {
    const { file } = readToken(part, localToken);
    await explained(this.display(file), async () => {
      await unlessMissing(() => unlink(this.#absolute(file)));
      await this.#temporaries.tidy(directoryOf(file));
    });
  }

  async put(relative: string, content: Uint8Array, options: WriteOptions = {}): Promise<void> {
    assertSafePath(relative);
    const directory = directoryOf(relative);
    await explained(this.display(relative), async () => {
      if (content.length === 0 && (await this.#putEmpty(relative))) return;
      const temporary = this.#temporaries.create({
        runId: this.#run?.id ?? NO_RUN,
        directory,
        stem: nameOf(relative).replace(/\..*$/, ''),
      });
      try {
        try {
          await temporary.open.write([content]);
          // An empty file can only lose its name, which the directory keeps.
          if (content.length > 0) await temporary.open.sync();
        } finally {
          temporary.open.close();
        }
        await this.#checkClaim();
        renameSync(temporary.file, this.#absolute(relative));
      } catch (error) {
        await unlessMissing(() => unlink(temporary.file));
        await this.#temporaries.tidy(directory);
        throw error;
      }
      if (options.isPersistedLater !== true) await this.#makeDurable(directory);
    });
  }

  /**
   * An empty file is complete as soon as it exists, so that it needs no rename.
   * @returns false if it exists, or its directory does not
   */
  async #putEmpty(relative: string): Promise<boolean> {
    await this.#checkClaim();
    try {
      closeSync(openSync(this.#absolute(relative), 'wx'));
    } catch (error) {
      if (isMissing(error) || errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
    await this.#makeDurable(directoryOf(relative));
    return true;
  }

  async persist(directories: readonly string[]): Promise<void> {
    directories.forEach(assertSafePath);
    await Promise.all(
      Array.from(new Set(directories), (directory) =>
        explained(this.display(directory), () => this.#makeDurable(directory)),
      ),
    );
  }

  async get(relative: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    assertSafePath(relative);
    const file = this.#absolute(relative);
    const read = async () => {
      // Manifests of earlier exports are looked for beside each table, and most have none.
      if (statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
      return range === undefined ? await readFile(file) : await readRange(file, range);
    };
    return await explained(this.display(relative), () => unlessMissing(read), 'read');
  }

  async find(relative: string): Promise<StoredObject | undefined> {
    assertSafePath(relative);
    const find = () => {
      const found = statSync(this.#absolute(relative), { throwIfNoEntry: false });
      return Promise.resolve(found?.isDirectory() === false ? { path: relative, bytes: found.size } : undefined);
    };
    return await explained(this.display(relative), () => unlessMissing(find), 'read');
  }

  async read(relative: string): Promise<StoredContent | undefined> {
    const content = await this.get(relative);
    return content === undefined ? undefined : { path: relative, bytes: content.length, content };
  }

  async list(directory: string): Promise<StoredObject[]> {
    assertSafePath(directory);
    return await explained(this.display(directory), () => this.#list(directory));
  }

  async remove(paths: readonly string[]): Promise<void> {
    const touched = new Set<string>();
    for (const relative of paths) {
      assertSafePath(relative);
      await explained(this.display(relative), async () => {
        await this.#checkClaim();
        await unlessMissing(() => unlink(this.#absolute(relative)));
      });
      touched.add(directoryOf(relative));
    }
    // `year=2024/month=01` without a file would be read as a partition.
    await removeEmptyDirectories(this.#base, [...touched].flatMap(hiveDirectories));
    await Promise.all(
      Array.from(touched, (directory) =>
        explained(this.display(directory), () => unlessMissing(() => this.#sync.sync(this.#absolute(directory)))),
      ),
    );
  }

  async beginRun(run: RunIdentity): Promise<void> {
    assertSafePath(run.directory);
    const client = new LeaseFiles({ base: this.#base, runId: run.runId, display: (path) => this.display(path) });
    const lease = await explained(this.#shownBase, () =>
      StoreLease.begin({
        client,
        withdraw: (own, options) => withdrawFiles(this.#base, own, options),
        run,
        ignoresCase: this.#ignoresCase,
      }),
    );
    this.#run = { id: run.runId, lease };
  }

  async claim(directories: readonly string[]): Promise<void> {
    directories.forEach(assertSafePath);
    const run = this.#run;
    if (run === undefined) throw new TypeError('Directories can only be claimed by a run');
    await explained(this.#shownBase, () => run.lease.locks.take(directories));
  }

  async confirmClaim(): Promise<void> {
    await explained(this.#shownBase, () => this.#run?.lease.confirm() ?? Promise.resolve());
  }

  sweep(options?: SweepOptions): Promise<number> {
    return explained(this.#shownBase, () => this.#run?.lease.sweep(options) ?? Promise.resolve(0));
  }

  async endRun(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run !== undefined) await explained(this.#shownBase, () => run.lease.end());
  }

  close(): Promise<void> {
    this.#run?.lease.abandon();
    this.#run = undefined;
    return Promise.resolve();
  }

  /**
   * Checks, with a single system call, that the claim still exists: called right before each visible change, since a file
   * system has no conditional rename.
   * @throws LakeportError `CLAIM_LOST`
   */
  async #checkClaim(): Promise<void> {
    const lease = this.#run?.lease;
    if (lease?.locks.isHeld === true && !existsSync(this.#absolute(lease.claimPath))) await lease.recheck();
  }

  #absolute(relative: string): string {
    return path.join(this.#base, relative);
  }

  async #list(directory: string): Promise<StoredObject[]> {
    const entries = await unlessMissing(() =>
      Promise.resolve(readdirSync(this.#absolute(directory), { withFileTypes: true })),
    );
    const objects: StoredObject[] = [];
    for (const entry of entries ?? []) {
      if (isOwnPath(entry.name)) continue;
      const relative = joinPath(directory, entry.name);
      if (entry.isDirectory()) {
        objects.push(...(await this.#list(relative)));
      } else {
        const found = await unlessMissing(() => stat(this.#absolute(relative)));
        if (found?.isDirectory() !== true) objects.push({ path: relative, bytes: found?.size ?? 0 });
      }
    }
    return objects;
  }

  /** Syncs the directory, and the first time its ancestors, in which it may be new. */
  async #makeDurable(directory: string): Promise<void> {
    const syncs = [this.#sync.sync(this.#absolute(directory))];
    for (let child = directory; child !== '' && !this.#durable.has(child); child = directoryOf(child)) {
      this.#durable.add(child);
      syncs.push(this.#sync.sync(this.#absolute(directoryOf(child))));
    }
    await Promise.all(syncs);
  }

  #partGone(file: string, cause: unknown): LakeportError {
    return new LakeportError({
      code: 'STAGED_PART_GONE',
      message: `The staged part ${this.display(file)} disappeared before it was published`,
      hint: 'Do not let anything else clean up the destination during a run.',
      context: { path: this.display(file) },
      cause,
    });
  }
}

/** The directory and its ancestors with names like `year=2025`. */
function hiveDirectories(directory: string): string[] {
  const all: string[] = [];
  for (let rest = directory; nameOf(rest).includes('='); rest = directoryOf(rest)) all.push(rest);
  return all;
}

async function syncFile(file: string): Promise<void> {
  // Some systems only sync what is open for writing.
  const open = new OpenFile(file, 'r+');
  try {
    await open.sync();
  } finally {
    open.close();
  }
}

async function readRange(file: string, { start, end = Infinity }: ByteRange): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, Math.min(end, size) - start));
    if (buffer.length === 0) return buffer;
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
