import { LakeportError } from '../errors.js';
import { isDenied } from './lease/denied.js';
import { isOwnPath, probePath, WRITE_TEST_PATH } from './lease/own-paths.js';
import { StoreLease } from './lease/store-lease.js';
import { newNonce } from './nonce.js';
import type { ObjectClient } from './object-client.js';
import { assertSafePath, directoryOf } from './path.js';
import type { Stager } from './stager.js';
import type {
  ByteRange,
  PartWriter,
  Place,
  RemoveOptions,
  RunIdentity,
  StagedPart,
  StagedState,
  StageOptions,
  Storage,
  StoredContent,
  StoredObject,
  SweepOptions,
  WriteOptions,
} from './storage.js';

export interface ObjectStorageOptions {
  readonly id: string;
  readonly kind: string;
  readonly client: ObjectClient;
  readonly stager: Stager;
}

/** A bucket or container: what all object stores share, on top of each store's own client and stager. */
export class ObjectStorage implements Storage {
  readonly id: string;
  readonly kind: string;
  readonly capabilities = { atomicPublish: true, resumableStage: true, conditionalWrites: true };
  readonly #client: ObjectClient;
  readonly #stager: Stager;
  #lease: StoreLease | undefined;

  constructor({ id, kind, client, stager }: ObjectStorageOptions) {
    this.id = id;
    this.kind = kind;
    this.#client = client;
    this.#stager = stager;
  }

  place(path: string): Place {
    return this.#client.place(path);
  }

  display(path: string): string {
    return this.#client.display(path);
  }

  writerMemoryBytes(expectedBytes?: number): number {
    return this.#stager.writerMemoryBytes(expectedBytes);
  }

  async prepare(): Promise<void> {
    await this.#client.prepare?.();
    const mayLackDeletion = this.#client.mayLackDeletion === true;
    const path = mayLackDeletion ? WRITE_TEST_PATH : probePath(newNonce());
    await this.#client.put(path, new Uint8Array());
    try {
      await this.#client.remove([path]);
    } catch (error) {
      // A later export reports this if it matters then.
      if (!mayLackDeletion || !isDenied(error)) throw error;
    }
  }

  async stage(path: string, options: StageOptions): Promise<PartWriter> {
    assertSafePath(path);
    return Promise.resolve(this.#stager.stage(path, options));
  }

  async publish(part: StagedPart, path: string, options: WriteOptions = {}): Promise<void> {
    assertSafePath(path);
    if (directoryOf(part.path) !== directoryOf(path)) {
      throw new LakeportError({
        code: 'PART_OF_OTHER_DIRECTORY',
        message: `A part staged in ${directoryOf(part.path)} cannot be published as ${path}`,
      });
    }
    await this.#stager.publish(part, path, options);
  }

  async locate(part: StagedPart, path: string): Promise<StagedState> {
    assertSafePath(path);
    return await this.#stager.locate(part, path);
  }

  async discard(part: StagedPart): Promise<void> {
    await this.#stager.discard(part);
  }

  async put(path: string, content: Uint8Array, { replaces }: WriteOptions = {}): Promise<void> {
    assertSafePath(path);
    await this.#client.put(path, content, replaces);
  }

  async get(path: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    assertSafePath(path);
    return (await this.#client.read(path, range))?.content;
  }

  async find(path: string): Promise<StoredObject | undefined> {
    assertSafePath(path);
    return await this.#client.head(path);
  }

  async read(path: string): Promise<StoredContent | undefined> {
    assertSafePath(path);
    return await this.#client.read(path);
  }

  async list(directory: string): Promise<StoredObject[]> {
    assertSafePath(directory);
    const { objects } = await this.#client.list(directory);
    return objects
      .filter(({ path }) => path !== '' && !path.endsWith('/') && !isOwnPath(path))
      .map(({ path, bytes, version }) => ({ path, bytes, version }));
  }

  async remove(paths: readonly string[], { versions }: RemoveOptions = {}): Promise<void> {
    paths.forEach(assertSafePath);
    await this.#client.remove(paths, versions);
  }

  async beginRun(run: RunIdentity): Promise<void> {
    assertSafePath(run.directory);
    this.#lease = await StoreLease.begin({
      client: this.#client,
      withdraw: (own, options) => this.#stager.withdraw(own, options),
      run,
    });
  }

  async claim(directories: readonly string[]): Promise<void> {
    directories.forEach(assertSafePath);
    if (this.#lease === undefined) throw new TypeError('Directories can only be claimed by a run');
    await this.#lease.locks.take(directories);
  }

  async confirmClaim(): Promise<void> {
    await this.#lease?.confirm();
  }

  async sweep(options?: SweepOptions): Promise<number> {
    return (await this.#lease?.sweep(options)) ?? 0;
  }

  async endRun(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await lease?.end();
  }

  close(): Promise<void> {
    this.#lease?.abandon();
    this.#lease = undefined;
    this.#client.close();
    return Promise.resolve();
  }
}
