import path from 'node:path';

import type { AuthFile } from '../../auth/auth-file.js';
import type { LakeportError } from '../../errors.js';
import { guarded } from '../../storage/guarded-storage.js';
import { endpointOf, localDirectory, openStorage } from '../../stores.js';
import { OUTPUT_DIRECTORY_ID, storageIdOf, type StorageTarget } from '../../storage/target.js';
import type { Storage } from '../../storage/storage.js';
import type { TableFormat } from '../formats/table-format.js';
import { newerPublisher } from './newer-publisher.js';
import { raceAbort, withinGrace } from '../../runtime/interruption.js';
import type { ExportOptions } from '../model/options.js';
import type { PlanStorages } from '../model/plan-storages.js';

/** All storages a run may write to. Storages without tables are never opened. */
export class OpenStorages implements PlanStorages {
  readonly defaultId: string;
  readonly #targets: ReadonlyMap<string, StorageTarget>;
  readonly #opening = new Map<string, Promise<Storage>>();
  readonly #open = new Map<string, Storage>();
  /** Storages the run has started in, publishing only while the lock is held. */
  readonly #guarded = new Map<string, Storage>();
  /** Storages with the run's lock, by location. */
  readonly #begun = new Map<string, Storage>();

  private constructor(defaultId: string, targets: ReadonlyMap<string, StorageTarget>) {
    this.defaultId = defaultId;
    this.#targets = targets;
  }

  /**
   * Does not open anything yet.
   * @throws LakeportError of class `usage` if an id does not name a storage entry
   */
  static of({ target, routes }: Pick<ExportOptions, 'target' | 'routes'>, auth: AuthFile): OpenStorages {
    const targets = new Map<string, StorageTarget>();
    const entry = (id: string) => targets.set(id, { kind: 'entry', entry: auth.storage(id) });
    if ('directory' in target) targets.set(OUTPUT_DIRECTORY_ID, { kind: 'directory', directory: target.directory });
    else entry(target.storageId);
    for (const { storageId } of routes) entry(storageId);
    return new OpenStorages('directory' in target ? OUTPUT_DIRECTORY_ID : target.storageId, targets);
  }

  /** One storage, whatever the auth file. Does not open it yet. */
  static ofOne(target: StorageTarget): OpenStorages {
    const id = storageIdOf(target);
    return new OpenStorages(id, new Map([[id, target]]));
  }

  async open(id: string): Promise<Storage> {
    const opening = this.#opening.get(id) ?? openStorage(this.target(id));
    this.#opening.set(id, opening);
    const storage = await opening;
    this.#open.set(id, storage);
    return storage;
  }

  /** An open storage. Once the run has started there, each publish first confirms its lock. */
  get(id: string): Storage {
    const storage = this.#open.get(id);
    if (storage === undefined) throw new TypeError(`The storage ${id} is not open`);
    return this.#guarded.get(id) ?? storage;
  }

  place(id: string, directory: string): string {
    const target = this.target(id);
    const base = localDirectory(target);
    if (base !== undefined) return localPlace(base, directory);
    // A bucket's display path does not include its server.
    return `${target.kind === 'entry' ? endpointOf(target.entry) : ''} ${this.get(id).display(directory)}`;
  }

  /** For the workers, which open their own. */
  targets(ids: Iterable<string>): StorageTarget[] {
    return Array.from(ids, (id) => this.target(id));
  }

  /**
   * Checks that the storages are writable, and registers the run in each. Storages with the same base share one
   * registration.
   */
  async begin(
    ids: readonly string[],
    run: {
      readonly runId: string;
      readonly directory: string;
      readonly signal: AbortSignal;
      readonly onLost: (error: LakeportError) => void;
      readonly format: TableFormat;
    },
  ): Promise<void> {
    const { signal, format, ...marker } = run;
    const since = new Date();
    await raceAbort(signal, Promise.all(ids.map((id) => this.get(id).prepare())));
    const byPlace = new Map(ids.map((id) => [this.place(id, ''), this.get(id)]));
    for (const [place, storage] of byPlace) {
      signal.throwIfAborted();
      this.#begun.set(place, storage);
      // The marker must not stay half-written: a request in flight gets some time.
      const findPublisher = (directories: readonly string[]) =>
        newerPublisher(storage, directories, { runId: run.runId, since, format });
      await withinGrace(signal, storage.beginRun({ ...marker, findPublisher }), 'readers');
    }
    for (const id of ids) {
      const holder = this.#begun.get(this.place(id, '')) ?? this.get(id);
      this.#guarded.set(
        id,
        guarded(this.get(id), () => holder.confirmClaim()),
      );
    }
  }

  /**
   * Locks directories of tables for this run, in the storages it has started in.
   * @throws LakeportError if another run holds one of them
   */
  async claim(tables: readonly { readonly storageId: string; readonly directory: string }[]): Promise<void> {
    // In a fixed order, so two runs over the same storages cannot deadlock.
    for (const [place, storage] of [...this.#begun].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const here = tables.filter(({ storageId }) => this.place(storageId, '') === place);
      await storage.claim(here.map(({ directory }) => directory));
    }
  }

  /** Storages the run has started in. */
  get begun(): readonly Storage[] {
    return [...this.#begun.values()];
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#opening.values());
    await Promise.all(opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value.close()] : [])));
  }

  /** What a worker opens the storage by. */
  target(id: string): StorageTarget {
    const target = this.#targets.get(id);
    if (target === undefined) throw new TypeError(`The run has no storage ${id}`);
    return target;
  }
}

function localPlace(base: string, directory: string): string {
  return path.resolve(base, directory).replaceAll(path.sep, '/');
}
