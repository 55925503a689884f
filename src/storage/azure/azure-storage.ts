import { randomBytes } from 'node:crypto';

import pLimit from 'p-limit';

import type { AzureEntry } from './info.js';
import { assertSafePath, directoryOf, joinPath, nameOf } from '../path.js';
import type { Agents } from '../http/agents.js';
import { PRIVATE_DIRECTORY, isPrivatePath, partName, probeName, runOfPart } from '../lease/private-names.js';
import type { PrivateObjects } from '../lease/private-objects.js';
import { RemoteRun } from '../lease/store-lease.js';
import type {
  StagedState,
  PartWriter,
  RemoveOptions,
  RunIdentity,
  StagedPart,
  StageOptions,
  Storage,
  StorageCapabilities,
  StoredObject,
  WriteOptions,
} from '../storage.js';
import type { AzureBlobs } from './blobs.js';
import { BlockSizes } from './blocks.js';
import { AzurePartWriter } from './part-writer.js';
import { Publisher } from './publisher.js';
import { readStaged } from './staged-token.js';

/** Requests for single blobs on their way at the same time, where many are to be removed. */
const REMOVALS = 16;

/** A container. A part is staged as uncommitted blocks, and published by committing them. */
export class AzureStorage implements Storage {
  readonly id: string;
  readonly kind = 'azure';
  readonly capabilities: StorageCapabilities = {
    atomicPublish: true,
    resumableStage: true,
    conditionalWrites: true,
  };
  readonly #entry: AzureEntry;
  readonly #blobs: AzureBlobs;
  readonly #agents: Agents;
  readonly #publisher: Publisher;
  #run: RemoteRun | undefined;

  constructor(options: { entry: AzureEntry; blobs: AzureBlobs; agents: Agents }) {
    this.id = options.entry.id;
    this.#entry = options.entry;
    this.#blobs = options.blobs;
    this.#agents = options.agents;
    this.#publisher = new Publisher(options.blobs);
  }

  display(path: string): string {
    return this.#blobs.display(path);
  }

  /** Blocks on their way, and the next one, which fills; while the blob is not larger than expected. */
  writerMemoryBytes(expectedBytes?: number): number {
    const { partSizeBytes, uploadConcurrency } = this.#entry.info;
    return (uploadConcurrency + 1) * new BlockSizes({ partSizeBytes, expectedBytes }).at(0);
  }

  async prepare(): Promise<void> {
    const probe = hidden(probeName(newNonce()));
    await this.#blobs.put(probe, new Uint8Array(0));
    await this.#blobs.remove(probe);
  }

  stage(path: string, options: StageOptions): Promise<PartWriter> {
    assertSafePath(path);
    const { partSizeBytes, uploadConcurrency } = this.#entry.info;
    const { runId, expectedBytes, provisional = false } = options;
    const nonce = newNonce();
    const blob = provisional ? hidden(partName(runId, nonce)) : path;
    const writer = new AzurePartWriter({
      blobs: this.#blobs,
      storageId: this.id,
      path,
      blob,
      hidden: isPrivatePath(blob),
      nonce,
      sizes: new BlockSizes({ partSizeBytes, expectedBytes }),
      concurrency: uploadConcurrency,
      checksums: this.display('').startsWith('http:'),
    });
    return Promise.resolve(writer);
  }

  async publish(part: StagedPart, path: string, options: WriteOptions = {}): Promise<void> {
    assertSafePath(path);
    assertSafePath(readStaged(part).blob);
    await this.#publisher.publish(part, path, options);
  }

  async locate(part: StagedPart, path: string): Promise<StagedState> {
    assertSafePath(path);
    assertSafePath(readStaged(part).blob);
    return await this.#publisher.locate(part, path);
  }

  async discard(part: StagedPart): Promise<void> {
    const { blob } = readStaged(part);
    // Blocks at the part's own place are invisible, and expire; see the part's writer.
    if (isPrivatePath(blob)) await this.#blobs.discard(blob);
  }

  async put(path: string, content: Uint8Array, { replaces }: WriteOptions = {}): Promise<void> {
    assertSafePath(path);
    await this.#blobs.put(path, content, replaces);
  }

  get(path: string): Promise<Uint8Array | undefined> {
    assertSafePath(path);
    return this.#blobs.read(path);
  }

  async find(path: string): Promise<StoredObject | undefined> {
    assertSafePath(path);
    const found = await this.#blobs.retry(() => this.#blobs.infoOnce(path));
    return found === undefined ? undefined : { path, bytes: found.bytes, version: found.etag };
  }

  async list(directory: string): Promise<StoredObject[]> {
    assertSafePath(directory);
    const { blobs } = await this.#blobs.list(directory);
    return blobs
      .map(({ path, bytes, etag }) => ({ path, bytes, version: etag }))
      .filter(({ path }) => path !== '' && !path.endsWith('/') && !isPrivatePath(path));
  }

  async remove(paths: readonly string[], { versions }: RemoveOptions = {}): Promise<void> {
    paths.forEach(assertSafePath);
    const limit = pLimit(REMOVALS);
    await Promise.all(paths.map((path) => limit(() => this.#blobs.remove(path, versions?.get(path)))));
  }

  async beginRun(run: RunIdentity): Promise<void> {
    assertSafePath(run.directory);
    this.#run = await RemoteRun.begin({
      objects: this.#hiddenObjects(),
      ...run,
      display: (path) => this.display(path),
    });
  }

  async claim(directories: readonly string[]): Promise<void> {
    directories.forEach(assertSafePath);
    if (this.#run === undefined) throw new TypeError('directories are claimed by a run');
    await this.#run.claims.take(directories);
  }

  async confirmClaim(): Promise<void> {
    await this.#run?.lease.confirm();
  }

  async sweep(): Promise<number> {
    return (await this.#run?.sweep()) ?? 0;
  }

  async endRun(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    await run?.end();
  }

  close(): Promise<void> {
    this.#run?.abandon();
    this.#run = undefined;
    this.#agents.destroy();
    return Promise.resolve();
  }

  #hiddenObjects(): PrivateObjects {
    return {
      list: async () => {
        const { blobs, now } = await this.#blobs.list(PRIVATE_DIRECTORY, { uncommitted: true });
        return { objects: blobs.map(({ path, modifiedAt }) => ({ name: nameOf(path), modifiedAt })), now };
      },
      get: (name) => this.#blobs.read(hidden(name)),
      put: (name, content) => this.#blobs.put(hidden(name), content),
      create: (name, content) => this.#blobs.create(hidden(name), content),
      remove: async (names) => {
        const limit = pLimit(REMOVALS);
        const remove = (path: string) => (isStagedBlob(path) ? this.#blobs.discard(path) : this.#blobs.remove(path));
        await Promise.all(names.map((name) => limit(() => remove(hidden(name)))));
      },
    };
  }
}

function hidden(name: string): string {
  return joinPath(PRIVATE_DIRECTORY, name);
}

function isStagedBlob(path: string): boolean {
  return directoryOf(path) === PRIVATE_DIRECTORY && runOfPart(nameOf(path)) !== undefined;
}

function newNonce(): string {
  return randomBytes(8).toString('hex');
}
