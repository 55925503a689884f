import { randomBytes } from 'node:crypto';

import pLimit from 'p-limit';

import type { GcsEntry } from './info.js';
import { assertSafePath, joinPath } from '../path.js';
import type { Agents } from '../http/agents.js';
import { PRIVATE_DIRECTORY, isPrivatePath, partName, probeName } from '../lease/private-names.js';
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
import { targetChanged } from '../target-changed.js';
import type { GcsObjects } from './objects.js';
import { chunkSize, GcsPartWriter } from './part-writer.js';
import { generationOf, Publisher } from './publisher.js';
import { readStaged } from './staged-token.js';

/** Requests for single objects on their way at the same time, where many are to be removed. */
const REMOVALS = 16;

/** A bucket. A part is staged as an object of the hidden directory, and published by moving it to its place. */
export class GcsStorage implements Storage {
  readonly id: string;
  readonly kind = 'gcs';
  readonly capabilities: StorageCapabilities = {
    atomicPublish: true,
    resumableStage: true,
    conditionalWrites: true,
  };
  readonly #entry: GcsEntry;
  readonly #objects: GcsObjects;
  readonly #agents: Agents;
  readonly #publisher: Publisher;
  #run: RemoteRun | undefined;

  constructor(options: { entry: GcsEntry; objects: GcsObjects; agents: Agents }) {
    this.id = options.entry.id;
    this.#entry = options.entry;
    this.#objects = options.objects;
    this.#agents = options.agents;
    this.#publisher = new Publisher(options.objects);
  }

  display(path: string): string {
    return `gs://${joinPath(this.#entry.info.bucket, this.#name(path))}`;
  }

  /** A chunk on its way, and the next one, which fills. */
  writerMemoryBytes(): number {
    return 2 * chunkSize(this.#entry.info.partSizeBytes);
  }

  async prepare(): Promise<void> {
    const name = this.#hidden(probeName(nonce()));
    await this.#objects.upload({ name }, []);
    await this.#objects.remove(name);
  }

  stage(path: string, options: StageOptions): Promise<PartWriter> {
    assertSafePath(path);
    const part = nonce();
    const writer = new GcsPartWriter({
      objects: this.#objects,
      storageId: this.id,
      path,
      object: this.#hidden(partName(options.runId, part)),
      nonce: part,
      partSizeBytes: this.#entry.info.partSizeBytes,
    });
    return Promise.resolve(writer);
  }

  async publish(part: StagedPart, path: string, { replaces }: WriteOptions = {}): Promise<void> {
    assertSafePath(path);
    await this.#publisher.publish(readStaged(part), { name: this.#name(path), shown: this.display(path), replaces });
  }

  locate(part: StagedPart, path: string): Promise<StagedState> {
    assertSafePath(path);
    return this.#publisher.locate(readStaged(part), { name: this.#name(path), bytes: part.bytes });
  }

  async discard(part: StagedPart): Promise<void> {
    await this.#objects.remove(readStaged(part).object);
  }

  async put(path: string, content: Uint8Array, { replaces }: WriteOptions = {}): Promise<void> {
    assertSafePath(path);
    const condition = replaces === undefined ? {} : { part: nonce(), generation: generationOf(replaces) };
    const written = await this.#objects.upload({ name: this.#name(path), ...condition }, [content]);
    if (written === undefined) throw targetChanged(this.display(path));
  }

  get(path: string): Promise<Uint8Array | undefined> {
    assertSafePath(path);
    return this.#objects.read(this.#name(path));
  }

  async find(path: string): Promise<StoredObject | undefined> {
    assertSafePath(path);
    const name = this.#name(path);
    const found = await this.#objects.retry(() => this.#objects.infoOnce(name));
    return found === undefined ? undefined : { path, bytes: found.bytes, version: found.generation };
  }

  async list(directory: string): Promise<StoredObject[]> {
    assertSafePath(directory);
    const base = this.#directory('');
    const { objects } = await this.#objects.list(this.#directory(directory));
    return objects
      .map(({ name, bytes, generation }) => ({ path: name.slice(base.length), bytes, version: generation }))
      .filter(({ path }) => path !== '' && !path.endsWith('/') && !isPrivatePath(path));
  }

  async remove(paths: readonly string[], { versions }: RemoveOptions = {}): Promise<void> {
    paths.forEach(assertSafePath);
    const limit = pLimit(REMOVALS);
    const remove = async (path: string) => {
      const [name, generation] = [this.#name(path), versions?.get(path)];
      if (generation === undefined) await this.#objects.remove(name);
      else if (!(await this.#objects.removeGeneration(name, generation))) throw targetChanged(this.display(path));
    };
    await Promise.all(paths.map((path) => limit(() => remove(path))));
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

  /** Full name of the object for a path. */
  #name(path: string): string {
    return joinPath(this.#entry.info.basePath, path);
  }

  #hidden(name: string): string {
    return this.#name(`${PRIVATE_DIRECTORY}/${name}`);
  }

  /** What the names of all objects below a directory begin with. */
  #directory(path: string): string {
    const name = this.#name(path);
    return name === '' ? '' : `${name}/`;
  }

  async #removeNames(names: readonly string[]): Promise<void> {
    const limit = pLimit(REMOVALS);
    await Promise.all(names.map((name) => limit(() => this.#objects.remove(name))));
  }

  #hiddenObjects(): PrivateObjects {
    const directory = this.#directory(PRIVATE_DIRECTORY);
    return {
      list: async () => {
        const { objects, now } = await this.#objects.list(directory);
        return {
          objects: objects.map((o) => ({ name: o.name.slice(directory.length), modifiedAt: o.updatedAt })),
          now,
        };
      },
      get: (name) => this.#objects.read(directory + name),
      put: async (name, content) => {
        await this.#objects.upload({ name: directory + name }, [content]);
      },
      create: async (name, content) => {
        const created = await this.#objects.upload({ name: directory + name, part: nonce() }, [content]);
        return created !== undefined;
      },
      remove: (names) => this.#removeNames(names.map((name) => directory + name)),
    };
  }
}

function nonce(): string {
  return randomBytes(8).toString('hex');
}
