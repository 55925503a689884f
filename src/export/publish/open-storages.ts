import path from 'node:path';

import type { AuthFile } from '../../auth/auth-file.js';
import type { LakeportError } from '../../errors.js';
import { guarded } from '../../storage/guarded-storage.js';
import { endpointOf, localDirectory, openStorage } from '../../stores.js';
import { OUTPUT_DIRECTORY_ID, type StorageTarget } from '../../storage/target.js';
import type { Storage } from '../../storage/storage.js';
import { newerPublisher } from './found-manifests.js';
import { raceAbort, withinGrace } from '../../runtime/interruption.js';
import type { ExportOptions } from '../model/options.js';
import type { PlanStorages } from '../model/plan-storages.js';

/** All storages that a run may write to. Those that no table goes to are never opened. */
export class OpenStorages implements PlanStorages {
  readonly defaultId: string;
  readonly #targets: ReadonlyMap<string, StorageTarget>;
  readonly #opening = new Map<string, Promise<Storage>>();
  readonly #open = new Map<string, Storage>();
  /** Those that the run has begun in, with their claims in front of them. */
  readonly #guarded = new Map<string, Storage>();
  /** Those that hold the run's marker. */
  readonly #begun = new Map<string, Storage>();

  private constructor(defaultId: string, targets: ReadonlyMap<string, StorageTarget>) {
    this.defaultId = defaultId;
    this.#targets = targets;
  }

  /**
   * Opens nothing yet.
   * @throws LakeportError of class `usage` where an id is none of a storage entry
   */
  static of({ target, routes }: Pick<ExportOptions, 'target' | 'routes'>, auth: AuthFile): OpenStorages {
    const targets = new Map<string, StorageTarget>();
    const entry = (id: string) => targets.set(id, { kind: 'entry', entry: auth.storage(id) });
    if ('directory' in target) targets.set(OUTPUT_DIRECTORY_ID, { kind: 'directory', directory: target.directory });
    else entry(target.storageId);
    for (const { storageId } of routes) entry(storageId);
    return new OpenStorages('directory' in target ? OUTPUT_DIRECTORY_ID : target.storageId, targets);
  }

  async open(id: string): Promise<Storage> {
    const opening = this.#opening.get(id) ?? openStorage(this.#target(id));
    this.#opening.set(id, opening);
    const storage = await opening;
    this.#open.set(id, storage);
    return storage;
  }

  /** One that is open. Once the run has begun there, nothing is published without the proof of its claim. */
  get(id: string): Storage {
    const storage = this.#open.get(id);
    if (storage === undefined) throw new TypeError(`the storage ${id} is not open`);
    return this.#guarded.get(id) ?? storage;
  }

  place(id: string, directory: string): string {
    const target = this.#target(id);
    const base = localDirectory(target);
    if (base !== undefined) return localPlace(base, directory);
    // What is shown of a bucket does not tell which server it is on.
    return `${target.kind === 'entry' ? endpointOf(target.entry) : ''} ${this.get(id).display(directory)}`;
  }

  /** For the workers, which open their own. */
  targets(ids: Iterable<string>): StorageTarget[] {
    return Array.from(ids, (id) => this.#target(id));
  }

  /**
   * Checks that the storages can be written to, and marks the run as alive in each. Storages with the same base share
   * one marker.
   */
  async begin(
    ids: readonly string[],
    run: {
      readonly runId: string;
      readonly directory: string;
      readonly signal: AbortSignal;
      readonly onLost: (error: LakeportError) => void;
    },
  ): Promise<void> {
    const { signal, ...marker } = run;
    const since = new Date();
    await raceAbort(signal, Promise.all(ids.map((id) => this.get(id).prepare())));
    const byPlace = new Map(ids.map((id) => [this.place(id, ''), this.get(id)]));
    for (const [place, storage] of byPlace) {
      signal.throwIfAborted();
      this.#begun.set(place, storage);
      // The marker is to be there or not: what is on its way gets some time.
      const findPublisher = (directories: readonly string[]) =>
        newerPublisher(storage, directories, { runId: run.runId, since });
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
   * Takes directories of tables for this run, in the storages in which it has begun.
   * @throws LakeportError where another run has one of them
   */
  async claim(tables: readonly { readonly storageId: string; readonly directory: string }[]): Promise<void> {
    // In one order, so that two runs over the same storages do not each wait for the other.
    for (const [place, storage] of [...this.#begun].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const here = tables.filter(({ storageId }) => this.place(storageId, '') === place);
      await storage.claim(here.map(({ directory }) => directory));
    }
  }

  /** Storages in which the run has begun. */
  get begun(): readonly Storage[] {
    return [...this.#begun.values()];
  }

  async close(): Promise<void> {
    const opened = await Promise.allSettled(this.#opening.values());
    await Promise.all(opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value.close()] : [])));
  }

  #target(id: string): StorageTarget {
    const target = this.#targets.get(id);
    if (target === undefined) throw new TypeError(`the run has no storage ${id}`);
    return target;
  }
}

function localPlace(base: string, directory: string): string {
  return path.resolve(base, directory).replaceAll(path.sep, '/');
}
