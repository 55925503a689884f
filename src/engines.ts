import type { DatabaseEntry } from './auth/entries.js';
import type { Engine } from './sources/engine.js';
import { mssql } from './sources/mssql/entry.js';
import type { Memory } from './kernels/kernels.js';
import type { EngineOption } from './sources/engine-option.js';
import type { PartitionMethodInfo } from './sources/partitioning/methods.js';
import { postgres } from './sources/postgres/entry.js';
import type { OpenOptions, ReaderSettings, SliceReader, Snapshot, SnapshotKeeper, Source } from './sources/source.js';
import { sqlite } from './sources/sqlite/entry.js';

/** The databases, one line each. */
export const ENGINES: readonly Engine[] = [postgres, mssql, sqlite];

/** Databases of later versions, as configurations may name them already. */
export const LATER_ENGINES: readonly string[] = ['mysql', 'mariadb', 'oracle', 'duckdb'];

/** Every engine's partition methods, each name once. */
export const PARTITION_METHODS: readonly PartitionMethodInfo[] = [
  ...new Map(ENGINES.flatMap(({ source }) => source.methods).map((method) => [method.name, method])).values(),
];

/** Every engine's own options. */
export const ENGINE_OPTIONS: readonly EngineOption[] = ENGINES.flatMap(({ options = [] }) => options);

/** @throws TypeError for a name that no entry has */
export function engineOf({ engine }: Pick<DatabaseEntry, 'engine'>): Engine {
  const found = ENGINES.find(({ name }) => name === engine);
  if (found === undefined) throw new TypeError(`there is no engine ${engine}`);
  return found;
}

/** True for any of the engine's names, in any case. */
export function isNameOfEngine(text: string, engine: string): boolean {
  const lower = text.trim().toLowerCase();
  return lower === engine || ENGINES.some(({ name, otherNames }) => name === engine && otherNames.includes(lower));
}

/** Connects to the entry's database for planning. @throws LakeportError */
export async function openSource(entry: DatabaseEntry, options: Omit<OpenOptions, 'entryId'> = {}): Promise<Source> {
  return engineOf(entry).source.open(entry.info, { ...options, entryId: entry.id });
}

/**
 * Connects a reader, in a worker, by the settings that the planning side gave out.
 * @param memory of the kernels that its columns use, for what it receives
 */
export async function openReader(settings: ReaderSettings, snapshot: Snapshot, memory?: Memory): Promise<SliceReader> {
  return engineOf(settings).source.openReader(settings, snapshot, memory);
}

/** How many readers one thread keeps up with. */
export function readersPerThread(settings: ReaderSettings): number {
  return engineOf(settings).source.readersPerThread ?? 1;
}

/** Holds a snapshot that another session has taken. @returns undefined for an engine whose sessions share none */
export async function keepSnapshot(settings: ReaderSettings, snapshot: Snapshot): Promise<SnapshotKeeper | undefined> {
  return engineOf(settings).source.keepSnapshot?.(settings, snapshot);
}
