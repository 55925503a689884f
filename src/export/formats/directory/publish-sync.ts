import { LakeportError } from '../../../errors.js';
import { isLostClaim } from '../../../runtime/interruption.js';
import { directoryOf, joinPath } from '../../../storage/path.js';
import type { StagedPart, StoredContent, StoredObject } from '../../../storage/storage.js';
import { fileNames, isOwnPart, SUCCESS_NAME } from './file-names.js';
import type { StagedParts } from './publish-order.js';
import { publishParts, putManifest } from './publish-parts.js';
import { readSyncedManifest, type SyncedManifest } from './sync-manifest.js';
import { SeenObjects } from './seen-objects.js';

/** The parts of a sync whose files are all staged, and how to describe the table with them. */
export interface SyncedParts extends Pick<StagedParts, 'storage' | 'directory' | 'parts'> {
  /** Keys that the source has no more, and the name of their file. */
  readonly deleted?: { readonly staged: StagedPart; readonly name: string } | undefined;
  readonly runId: string;
  /** Of the sync. No file of another one has it in its name. */
  readonly number: number;
  /** Whether it replaces all that is there. */
  readonly isFull: boolean;
  /** Path of the manifest, relative to the storage's base. */
  readonly manifestPath: string;
  /** Every path where a manifest of the table can be. */
  readonly manifestPaths: readonly string[];
  /** Further files that describe the table, by their paths. */
  readonly statements: readonly { readonly path: string; readonly content: (manifest: SyncedManifest) => Uint8Array }[];
  /** The table with the sync. @param earlier what it is added to; undefined if it replaces everything */
  readonly manifest: (names: readonly string[], earlier: SyncedManifest | undefined) => SyncedManifest;
  readonly manifestBytes: (manifest: SyncedManifest) => Uint8Array;
}

/**
 * Publishes a sync so that a reader of the manifest sees the table before or after it, whole, and one that checks for
 * `_SUCCESS` never sees a mixture: remove `_SUCCESS`, publish the new files beside the earlier ones, write the manifest -
 * the moment of the sync -, remove files that it does not list, and write `_SUCCESS` last.
 * On failure before that moment, the new files are removed, and the table is as it was.
 * @returns the files' names, relative to the table's directory
 */
export async function publishSync(table: SyncedParts): Promise<readonly string[]> {
  const { storage, directory, manifestPath, statements, number } = table;
  const names = fileNames(
    table.parts.map((part) => part.directory),
    number,
  );
  const success = joinPath(directory, SUCCESS_NAME);
  const further = table.deleted === undefined ? [] : [{ ...table.deleted, isPublished: false }];
  const all = { parts: [...table.parts, ...further], names: [...names, ...further.map(({ name }) => name)] };
  const pending = new Set(all.parts.filter((part) => !part.isPublished).map((part) => part.staged));
  let before: TableBefore | undefined;
  let isThere = false;
  try {
    before = await inspect(table);
    const { seen } = before;
    if (before.isComplete) await storage.remove([success], { versions: seen.versions });
    let { manifest } = before;
    // An earlier attempt of the run may have come as far as the manifest.
    if (manifest === undefined || !before.hasSync) {
      await publishParts({ storage, directory, parts: all.parts }, { names: all.names, pending, seen });
      manifest = table.manifest(names, table.isFull ? undefined : manifest);
      await storage.persist?.([...new Set(all.names.map((name) => directoryOf(joinPath(directory, name))))]);
      await putManifest(storage, { path: manifestPath, content: table.manifestBytes(manifest), seen });
    }
    isThere = true;
    const listed = new Set([...manifest.files, ...(manifest.deleted ?? [])].map(({ name }) => name));
    const stale = [
      ...before.parts.filter((name) => !listed.has(name)).map((name) => joinPath(directory, name)),
      ...before.manifests.filter((path) => path !== manifestPath),
    ];
    if (stale.length > 0) await storage.remove(stale, { versions: seen.versions });
    for (const { path, content } of statements) await storage.put(path, content(manifest), { isPersistedLater: true });
    await storage.persist?.([
      ...new Set([directory, directoryOf(manifestPath), ...statements.map(({ path }) => directoryOf(path))]),
    ]);
    await storage.put(success, new Uint8Array(0), { replaces: seen.afterRemoval });
    return names;
  } catch (error) {
    await Promise.allSettled(Array.from(pending, (part) => storage.discard(part)));
    // The directory belongs to the other run now.
    if (error instanceof LakeportError && isLostClaim(error)) throw error;
    // The store may have written it although it did not say so.
    const isWritten = isThere || (await isPublished(table));
    if (isWritten === true) throw published(error, table);
    const added = all.parts.flatMap((part, index) =>
      part.isPublished || pending.has(part.staged) ? [] : [joinPath(directory, all.names[index] ?? '')],
    );
    // Otherwise without `_SUCCESS`: the manifest lists what belongs to the table, and the next sync removes the rest.
    if (isWritten === false) await putBack(table, added, before).catch(() => undefined);
    throw error;
  }
}

/** Whether the manifest there is that of this sync; undefined if it cannot be read. */
function isPublished(table: SyncedParts): Promise<boolean | undefined> {
  return readLatest(table).then(
    ({ manifest }) => isOf(manifest, table),
    () => undefined,
  );
}

/** Makes the table what it was. */
async function putBack(
  { storage, directory }: SyncedParts,
  added: readonly string[],
  before: TableBefore | undefined,
): Promise<void> {
  if (added.length > 0) await storage.remove(added);
  if (before?.isComplete === true) await storage.put(joinPath(directory, SUCCESS_NAME), new Uint8Array(0));
}

interface TableBefore {
  readonly seen: SeenObjects;
  /** Whether the directory has `_SUCCESS`. */
  readonly isComplete: boolean;
  /** Names of files that lakeport wrote, relative to the directory. */
  readonly parts: readonly string[];
  /** The manifest of the last sync, if there is one. */
  readonly manifest: SyncedManifest | undefined;
  /** Whether it is this sync already. */
  readonly hasSync: boolean;
  /** Paths of all manifests. */
  readonly manifests: readonly string[];
}

/** @throws LakeportError if the table is not as it was when the sync was planned */
async function inspect(table: SyncedParts): Promise<TableBefore> {
  const { storage, directory, number, isFull } = table;
  const objects = await storage.list(directory);
  const { manifest, all: manifests } = await readLatest(table);
  const last = manifest?.incremental.last_number ?? 0;
  const hasSync = isOf(manifest, table);
  if (!hasSync && last !== number - 1 && !(isFull && last < number)) throw otherSync(table, last);
  const names = objects.map(({ path }) => path.slice(directory.length + 1));
  const known = new Map<string, StoredObject>(objects.map((object) => [object.path, object]));
  for (const object of manifests) known.set(object.path, object);
  return {
    seen: new SeenObjects(storage, [...known.values()]),
    isComplete: names.includes(SUCCESS_NAME),
    parts: names.filter(isOwnPart),
    manifest,
    hasSync,
    manifests: manifests.map(({ path }) => path),
  };
}

/** Whether the manifest is that of this sync, or of the compaction after it. */
function isOf(manifest: SyncedManifest | undefined, { number, runId }: SyncedParts): boolean {
  const { syncs = [] } = manifest?.incremental ?? {};
  return manifest?.run_id === runId && syncs.some((sync) => sync.number === number && sync.run_id === runId);
}

async function readLatest({ storage, manifestPaths }: SyncedParts): Promise<{
  readonly manifest: SyncedManifest | undefined;
  /** Of the table's manifests in all places. */
  readonly all: readonly StoredContent[];
}> {
  const read = await Promise.all(manifestPaths.map((path) => storage.read(path)));
  const all = read.filter((one) => one !== undefined);
  return { manifest: latest(all.map(({ content }) => readSyncedManifest(content))), all };
}

/** The manifest of the last sync: it may have been in another place then. */
export function latest(manifests: readonly (SyncedManifest | undefined)[]): SyncedManifest | undefined {
  return manifests
    .filter((one) => one !== undefined)
    .reduce<SyncedManifest | undefined>(
      (a, b) => (a === undefined || b.incremental.last_number > a.incremental.last_number ? b : a),
      undefined,
    );
}

function otherSync({ storage, directory, number }: SyncedParts, last: number): LakeportError {
  return new LakeportError({
    code: 'SYNC_OVERTAKEN',
    message: `${storage.display(directory)} was published by another run since this one was planned: its last sync is ${last}, this one was to be ${number}`,
    hint: 'Run the sync again: it goes on where the other one ended.',
    context: { path: storage.display(directory) },
  });
}

function published(thrown: unknown, { storage, directory }: SyncedParts): LakeportError {
  const cause = LakeportError.from(thrown);
  const shown = storage.display(directory);
  return new LakeportError({
    code: 'PUBLISH_INCOMPLETE',
    message: `The sync is in the manifest of ${shown}, but files that are no longer part of the table could not all be removed: ${shown} has no ${SUCCESS_NAME}. ${cause.message}`,
    hint: `The next sync goes on from here and tidies up. ${cause.hint ?? ''}`.trim(),
    context: { ...cause.context, path: shown },
    cause,
  });
}
