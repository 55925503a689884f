import { existsSync } from 'node:fs';
import { open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import path from 'node:path';

import { LakeportError } from '../../errors.js';
import { isOwnPath } from '../lease/own-paths.js';
import { StoreLease } from '../lease/store-lease.js';
import { assertSafePath, directoryOf, joinPath, nameOf } from '../path.js';
import type {
  ByteRange,
  StagedState,
  PartWriter,
  RunIdentity,
  StagedPart,
  StageOptions,
  Storage,
  StorageCapabilities,
  StoredObject,
} from '../storage.js';
import { readToken } from '../staged-token.js';
import { prepareBase } from './base-directory.js';
import { DirectorySync } from './directory-sync.js';
import { errnoOf, explained, isMissing, unlessMissing } from './file-errors.js';
import { LeaseFiles } from './lease-files.js';
import { foldsNames } from './name-rules.js';
import { LocalPartWriter, writeAll } from './part-writer.js';
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
    return await explained(this.display(directory), async () => {
      const stem = nameOf(relative).replace(/\..*$/, '');
      return new LocalPartWriter({
        storageId: this.id,
        path: relative,
        temporary: await this.#temporaries.open({ runId: options.runId, directory, stem }),
        shownPath: this.display(relative),
        afterAbort: () => this.#temporaries.tidy(directory),
      });
    });
  }

  async publish(part: StagedPart, relative: string): Promise<void> {
    const { file } = readToken(part, localToken);
    assertSafePath(relative);
    if (directoryOf(file) !== directoryOf(relative)) {
      throw new LakeportError({
        code: 'PART_OF_OTHER_DIRECTORY',
        message: `A part staged in ${directoryOf(file)} cannot be published as ${relative}`,
      });
    }
    await explained(this.display(relative), async () => {
      await this.#checkClaim();
      await rename(this.#absolute(file), this.#absolute(relative)).catch((error: unknown) => {
        throw isMissing(error) ? this.#partGone(file, error) : error;
      });
      if (this.#run !== undefined) this.#temporaries.isNoted(this.#run.id, directoryOf(relative));
      await this.#makeDurable(directoryOf(relative));
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

  async put(relative: string, content: Uint8Array): Promise<void> {
    assertSafePath(relative);
    const directory = directoryOf(relative);
    await explained(this.display(relative), async () => {
      if (content.length === 0 && (await this.#putEmpty(relative))) return;
      const { file, handle } = await this.#temporaries.open({
        runId: this.#run?.id ?? NO_RUN,
        directory,
        stem: nameOf(relative).replace(/\..*$/, ''),
      });
      try {
        try {
          await writeAll(handle, [content]);
          // An empty file can only lose its name, which the directory keeps.
          if (content.length > 0) await handle.datasync();
        } finally {
          await handle.close();
        }
        await this.#checkClaim();
        await rename(file, this.#absolute(relative));
      } catch (error) {
        await unlessMissing(() => unlink(file));
        await this.#temporaries.tidy(directory);
        throw error;
      }
      await this.#makeDurable(directory);
    });
  }

  /**
   * An empty file is complete as soon as it exists, so that it needs no rename.
   * @returns false if it exists, or its directory does not
   */
  async #putEmpty(relative: string): Promise<boolean> {
    await this.#checkClaim();
    try {
      const handle = await open(this.#absolute(relative), 'wx');
      await handle.close();
    } catch (error) {
      if (isMissing(error) || errnoOf(error) === 'EEXIST') return false;
      throw error;
    }
    await this.#makeDurable(directoryOf(relative));
    return true;
  }

  async get(relative: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    assertSafePath(relative);
    const file = this.#absolute(relative);
    const read = () => (range === undefined ? readFile(file) : readRange(file, range));
    return await explained(this.display(relative), () => unlessMissing(read));
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
        withdraw: (own) => withdrawFiles(this.#base, own),
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

  sweep(): Promise<number> {
    return explained(this.#shownBase, () => this.#run?.lease.sweep() ?? Promise.resolve(0));
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
    const entries = await unlessMissing(() => readdir(this.#absolute(directory), { withFileTypes: true }));
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

async function readRange(file: string, { start, end = Infinity }: ByteRange): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.max(0, Math.min(end, size) - start));
    if (buffer.length === 0) return buffer;
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
