import { existsSync } from 'node:fs';
import path from 'node:path';

import type { AuthFile } from '../auth/auth-file.js';
import { keepSnapshot, openSource, readersPerThread } from '../engines.js';
import { LakeportError } from '../errors.js';
import { workerSetup } from '../export/execution/open-pool.js';
import { maskSaltOf } from '../export/model/mask-salt.js';
import type { ExportOptions } from '../export/model/options.js';
import { OpenStorages } from '../export/publish/open-storages.js';
import type { SlicePool } from '../export/worker/slice-pool.js';
import { READERS_GRACE_MS } from '../export/worker/slice-pool.js';
import { WorkerPool } from '../export/worker/worker-pool.js';
import { graceLeft } from '../runtime/interruption.js';
import { type RetryObserver, withRetry } from '../runtime/retry.js';
import {
  type HeldSnapshot,
  isSameServer,
  type ReaderSettings,
  type ServerInfo,
  type SnapshotKeeper,
} from '../sources/source.js';
import { markerPath } from '../storage/lease/own-paths.js';
import type { StagedPart } from '../storage/storage.js';
import { localDirectory } from '../stores.js';

export interface WorkerReadersOptions {
  /** Those of the run. */
  readonly options: ExportOptions;
  /** The worker's own. */
  readonly auth: AuthFile;
  readonly observer: RetryObserver;
  readonly signal: AbortSignal;
}

/** The readers of a worker, with credentials of its own auth file. */
export class WorkerReaders {
  readonly #options: WorkerReadersOptions;
  readonly #storages: OpenStorages;
  /** By the server that they read from. */
  readonly #pools = new Map<string, Promise<SlicePool>>();

  /** @throws LakeportError if the auth file lacks an entry */
  constructor(options: WorkerReadersOptions) {
    this.#options = options;
    this.#storages = OpenStorages.of(options.options, options.auth);
  }

  /**
   * The readers for slices of a snapshot.
   * @param server that holds it, as the coordinator sees it
   * @param onFailed told why it is tried again
   * @throws LakeportError if the worker's entry leads to another one, or nowhere
   */
  async poolFor(server: ServerInfo, onFailed: (error: LakeportError) => void): Promise<SlicePool> {
    const key = JSON.stringify([server.instance ?? server.address, server.database]);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const opening = this.#open(server, onFailed);
    this.#pools.set(key, opening);
    // The next slice tries again.
    opening.catch(() => this.#pools.delete(key));
    return opening;
  }

  /**
   * Holds a snapshot on a connection of its own.
   * @returns undefined if sessions of this source share none
   * @throws LakeportError if it cannot be held
   */
  async keep({ server, snapshot }: HeldSnapshot): Promise<SnapshotKeeper | undefined> {
    return keepSnapshot(await this.#readerSettings(server), snapshot);
  }

  /** Removes staged files of slices that do not count. Never rejects: what is left is swept by the next run. */
  async discard(parts: readonly StagedPart[]): Promise<void> {
    await Promise.allSettled(parts.map(async (part) => (await this.#storages.open(part.storageId)).discard(part)));
  }

  /** Never throws. */
  async close(): Promise<void> {
    const pools = await Promise.allSettled(this.#pools.values());
    await Promise.all(pools.flatMap((pool) => (pool.status === 'fulfilled' ? [pool.value.close()] : [])));
    await this.#storages.close();
  }

  async #open(server: ServerInfo, onFailed: (error: LakeportError) => void): Promise<SlicePool> {
    const { options, signal, observer } = this.#options;
    const connect = async () => {
      try {
        return await this.#readerSettings(server, onFailed);
      } catch (error) {
        onFailed(LakeportError.from(error));
        throw error;
      }
    };
    const reader = await withRetry(connect, { signal, observer, policy: undefined });
    this.#requireDirectories();
    const targets = this.#storages.targets(this.#storageIds());
    return new WorkerPool(workerSetup({ options, reader, targets }), {
      workersPerThread: readersPerThread(reader),
      graceMs: () => graceLeft(signal, 'closing') ?? READERS_GRACE_MS,
    });
  }

  /**
   * A directory of this machine alone is no place for a run's files.
   * @throws LakeportError if the run has not begun in the directory that this machine sees
   */
  #requireDirectories(): void {
    for (const target of this.#storages.targets(this.#storageIds())) {
      const directory = localDirectory(target);
      if (directory === undefined) continue;
      if (existsSync(path.join(directory, markerPath(this.#options.options.runId)))) continue;
      throw new LakeportError({
        code: 'WORKER_WITHOUT_DIRECTORY',
        message: `The run writes to ${directory}, and has not begun in the directory of that name on this machine`,
        hint: 'Workers need a directory that all machines share, or a store.',
        context: { path: directory },
      });
    }
  }

  /** @param onWait told why it is tried again */
  async #readerSettings(server: ServerInfo, onWait?: (error: LakeportError) => void): Promise<ReaderSettings> {
    const { options, auth, signal } = this.#options;
    const { databaseName: database, lockTimeoutMs, inherited } = options;
    const maskSalt = maskSaltOf(options, auth);
    const entry = auth.database(options.sourceId);
    const opening = {
      ...{ database, lockTimeoutMs, inherited, maskSalt, signal },
      onWait: (_: string, error: LakeportError) => onWait?.(error),
    };
    const source = await openSource(entry, { ...opening, instance: server.instance }).catch((error: unknown) => {
      if (LakeportError.from(error).code !== 'SOURCE_OTHER_SERVER') throw error;
      // What is there instead tells why.
      return openSource(entry, opening);
    });
    try {
      refuseOther(source.server, server, options.sourceId);
      return source.readerSettings();
    } finally {
      await source.close();
    }
  }

  #storageIds(): string[] {
    const { routes } = this.#options.options;
    return [...new Set([this.#storages.defaultId, ...routes.map(({ storageId }) => storageId)])];
  }
}

/** The same server, as far as one can see, which has lost the run's snapshot since. */
function isStartedAgain(own: ServerInfo, run: ServerInfo): boolean {
  const { startedAt: start } = own;
  if (start === undefined || run.startedAt === undefined || start <= run.startedAt) return false;
  const isSame = own.instance === run.instance?.replace(run.startedAt, start);
  return isSame && own.address === run.address && own.database === run.database;
}

function afterRestart({ address, startedAt }: ServerInfo, entry: string): LakeportError {
  return new LakeportError({
    code: 'WORKER_AFTER_RESTART',
    message: `${address} has started at ${startedAt ?? '?'} UTC, after the run took its snapshot, and the run takes no other`,
    hint: `If the server has not been restarted, ${entry} leads to several: give the address of one.`,
    context: { entry },
  });
}

/** One name may lead to several servers, such as a load balancer before replicas: none but the run's has its snapshot. */
function refuseOther(own: ServerInfo, run: ServerInfo, entry: string): void {
  if (isSameServer(own, run)) return;
  if (isStartedAgain(own, run)) throw afterRestart(own, entry);
  const shown = ({ address, database, instance }: ServerInfo) =>
    `${address}/${database}${instance === undefined ? '' : ` (${instance})`}`;
  throw new LakeportError({
    code: 'WORKER_OTHER_SOURCE',
    message: `${entry} leads to ${shown(own)} here, and the run reads ${shown(run)}`,
    hint: 'Give workers the same entry as the run. A name that leads to several servers must be replaced by the address of one.',
    context: { entry },
  });
}
