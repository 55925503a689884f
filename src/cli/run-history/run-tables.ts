import { hostname } from 'node:os';
import path from 'node:path';

import type { AuthFile } from '../../auth/auth-file.js';
import { LakeportError } from '../../errors.js';
import type { RecordedTable } from '../../export/verify/recorded-tables.js';
import type { FileRecord, RunHistory, TableRecord } from '../../runlog/index.js';
import type { TableId } from '../../model/table.js';
import type { Storage } from '../../storage/storage.js';
import type { StorageTarget } from '../../storage/target.js';
import { openStorage } from '../../stores.js';
import { usageError } from '../flags/usage-error.js';
import { recordedPlaces, type RecordedPlaces } from './recorded-options.js';

interface OtherTable {
  readonly id: TableId;
  readonly storage: Storage;
  /** Where it would be, relative to the storage's base. */
  readonly directory: string;
}

/** The tables of a recorded run, with their storages open. */
export interface RunTables {
  readonly tables: readonly RecordedTable[];
  /** Those that were not published, in storages of those that were. */
  readonly others: readonly OtherTable[];
  /** What a storage is opened by. */
  targetOf(storage: Storage): StorageTarget;
  close(): Promise<void>;
}

/**
 * Opens the storages that a run has written to, where they were then.
 * @param auth is only needed for storages of the auth file that are no directories
 * @throws LakeportError if the record does not say where the tables are, or a storage leads elsewhere by now
 */
export async function openRunTables(
  { run, tables, files }: RunHistory,
  { auth }: { readonly auth: AuthFile | undefined },
): Promise<RunTables> {
  const places = recordedPlaces(run.settings);
  const published = tables.filter(({ state, path: shown }) => state === 'completed' && shown !== undefined);
  const storages = new Map<string, Storage>();
  const targets = new Map<Storage, StorageTarget>();
  const close = async () => {
    await Promise.all(Array.from(storages.values(), (storage) => storage.close()));
  };
  try {
    for (const id of new Set(published.map(({ storageId }) => storageId ?? ''))) {
      const target = targetOf(id, { places, auth, runId: run.runId });
      const storage = await openStorage(target);
      storages.set(id, storage);
      targets.set(storage, target);
    }
    return {
      tables: published.flatMap((table) => {
        const storage = storages.get(table.storageId ?? '');
        if (storage === undefined) return [];
        return recordedTable(table, {
          storage,
          places,
          runId: run.runId,
          files: files.filter(({ jobId }) => jobId === table.jobId),
        });
      }),
      others: tables.flatMap((table) => {
        const storage = storages.get(table.storageId ?? '');
        if (table.state === 'completed' || table.path === undefined || storage === undefined) return [];
        const id = { schema: table.schema, name: table.table };
        return { id, storage, directory: directoryIn(storage, table, places) };
      }),
      targetOf: (storage) => {
        const target = targets.get(storage);
        if (target === undefined) throw new TypeError('The run has no such storage');
        return target;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Opens a storage of a recorded run where it was then.
 * @throws LakeportError if the record does not say where it is, or it leads elsewhere by now
 */
export async function openPlaceOf(id: string, of: PlaceOfRun): Promise<Storage> {
  return openStorage(targetOf(id, of));
}

interface PlaceOfRun {
  readonly places: RecordedPlaces;
  readonly auth: AuthFile | undefined;
  readonly runId: string;
}

function targetOf(id: string, { places, auth, runId }: PlaceOfRun): StorageTarget {
  const place = places.of(id);
  if (place === undefined) throw elsewhere(id, `the record of run ${runId} does not say where it is`);
  if (place.isLocal) {
    if (place.server !== hostname()) throw elsewhere(id, `its directory ${place.address} is on ${place.server}`);
    return { kind: 'directory', directory: place.address };
  }
  if (auth === undefined) {
    throw usageError({
      code: 'MISSING_FLAG',
      message: `--auth-file must be given, as the run wrote to ${place.address} by its entry ${id}`,
      hint: 'Add -a auth.json.',
      flag: '--auth-file',
    });
  }
  return { kind: 'entry', entry: auth.storage(id) };
}

function recordedTable(
  table: TableRecord,
  {
    storage,
    places,
    runId,
    files,
  }: {
    readonly storage: Storage;
    readonly places: RecordedPlaces;
    readonly runId: string;
    readonly files: readonly FileRecord[];
  },
): RecordedTable {
  const directory = directoryIn(storage, table, places);
  return {
    runId,
    schema: table.schema === '' ? undefined : table.schema,
    name: table.table,
    storage,
    directory,
    files: files.map((file) => ({
      name: directory === '' ? file.objectPath : file.objectPath.slice(directory.length + 1),
      rows: file.rows,
      bytes: file.bytes,
      sha256: file.sha256,
      rowGroups: file.rowGroups,
    })),
  };
}

/** Relative to the storage's base; the record has the path that was shown. */
function directoryIn(storage: Storage, { path: shown = '', storageId }: TableRecord, places: RecordedPlaces): string {
  const place = places.of(storageId ?? '');
  if (place?.isLocal === true) {
    return path
      .relative(place.address, path.resolve(places.cwd ?? '/', shown))
      .split(path.sep)
      .join('/');
  }
  const base = storage.display('').replace(/\/*$/, '/');
  if (!shown.startsWith(base)) throw elsewhere(storageId ?? '', `it leads to ${base}, and the run wrote to ${shown}`);
  return shown.slice(base.length);
}

function elsewhere(id: string, why: string): LakeportError {
  return new LakeportError({
    code: 'RUN_ELSEWHERE',
    message: `The tables cannot be looked for in the storage ${id}: ${why}`,
    hint: 'Run the command where the run did, with the same auth file. lakeport verify also takes a PATH, or ID/PATH.',
    context: { entry: id },
  });
}

/** What is still written cannot be looked at as a whole. */
export function inProgress(runId: string): LakeportError {
  return new LakeportError({
    code: 'RUN_HELD',
    message: `Run ${runId} is in progress`,
    hint: 'Wait until it ends; lakeport verify PATH compares tables that it has already published.',
  });
}
