import { directoryOf, joinPath, nameOf } from '../../../storage/path.js';
import type { Storage } from '../../../storage/storage.js';
import { MANIFEST_PLACES, type ManifestPlace } from '../../model/manifest-place.js';
import type {
  Description,
  MergeableTable,
  MergedTable,
  PreviousExport,
  PublishedSyncs,
  PublishedTable,
  SlicePosition,
  StagedTable,
  TableFormat,
} from '../table-format.js';
import { isManifestPath, readDescription } from './description.js';
import type { DdlDialect } from '../../model/ddl-dialect.js';
import { ddlBytes, type DdlFile } from './ddl.js';
import { ddlName, ddlPath } from './ddl-path.js';
import { compactedManifest, mergeableTable } from './compacted-manifest.js';
import { deletedName, fileNames, stagedName, SUCCESS_NAME } from './file-names.js';
import { manifestBytes, partitionOf, tableManifest } from './manifest.js';
import { manifestPath } from './manifest-path.js';
import { readPreviousExport, readPublishedTable } from './manifest-versions.js';
import { publishInOrder, type StagedParts } from './publish-order.js';
import { latest, publishSync } from './publish-sync.js';
import { publishedSyncs, readSyncedManifest, type SyncedManifest, syncedManifestOf } from './sync-manifest.js';

/**
 * A directory of numbered Parquet files that is complete once it has `_SUCCESS`, with a manifest that describes it. An
 * export replaces the directory's previous one.
 */
export class DirectoryFormat implements TableFormat {
  readonly #manifestPlace: ManifestPlace;
  readonly #dialects: readonly DdlDialect[];

  constructor(options: { readonly manifestPlace: ManifestPlace; readonly dialects: readonly DdlDialect[] }) {
    this.#manifestPlace = options.manifestPlace;
    this.#dialects = options.dialects;
  }

  stagedName(slice: SlicePosition, file: number): string {
    return stagedName(slice, file);
  }

  fileNames(directories: readonly string[], sync?: number): string[] {
    return fileNames(directories, sync);
  }

  deletedName(sync: number): string {
    return deletedName(sync);
  }

  descriptionPath(directory: string): string | undefined {
    return manifestPath(directory, this.#manifestPlace);
  }

  ddlPaths(directory: string): readonly { readonly dialect: DdlDialect; readonly path: string }[] {
    return this.#dialects.map((dialect) => ({ dialect, path: ddlPath(directory, dialect) }));
  }

  publish(table: StagedTable, storage: Storage): Promise<readonly string[]> {
    const { directory, files, origin } = table;
    const path = this.descriptionPath(directory);
    const inside = path === undefined || directoryOf(path) === directory;
    const ddl = this.#dialects.map((dialect) => ({
      dialect,
      file: `${inside ? '../' : ''}${ddlName(directory, dialect)}`,
    }));
    const manifest = { files, origin, storage, directory: inside ? '.' : nameOf(directory), ddl };
    if (table.sync !== undefined) {
      if (path === undefined) throw new TypeError('A table that is synced has a manifest');
      const { sync, deleted } = table;
      return publishSync({
        ...{ storage, directory, parts: partsOf(files), runId: origin.runId, number: sync.number, isFull: sync.isFull },
        deleted: deleted && { staged: deleted.staged.part, name: deleted.name },
        manifestPath: path,
        manifestPaths: this.descriptionPaths(directory),
        statements: this.ddlPaths(directory).map(({ dialect, path: file }) => ({
          path: file,
          content: ({ files: all }) => ddlBytes(dialect, { table, files: all, storage }),
        })),
        manifest: (names, earlier) =>
          syncedManifestOf(tableManifest({ ...manifest, names, endedAt: new Date() }), {
            sync,
            origin,
            earlier,
            deleted,
            directory,
          }),
        manifestBytes,
      });
    }
    return publishInOrder({
      storage,
      directory,
      parts: partsOf(files),
      manifestPath: path,
      statements: this.ddlPaths(directory).map(({ dialect, path: file }) => ({
        path: file,
        content: (names) => ddlBytes(dialect, { table, files: namedFiles(files, names), storage }),
      })),
      manifest: (names) => manifestBytes(tableManifest({ ...manifest, names, endedAt: new Date() })),
    });
  }

  async previous(directory: string, storage: Storage): Promise<readonly PreviousExport[]> {
    const found = await Promise.all(this.descriptionPaths(directory).map((path) => storage.get(path)));
    return found.flatMap((bytes) => (bytes === undefined ? [] : (readPreviousExport(bytes) ?? [])));
  }

  descriptionPaths(directory: string): string[] {
    return MANIFEST_PLACES.flatMap((place) => manifestPath(directory, place) ?? []);
  }

  isDescription(path: string): boolean {
    return isManifestPath(path);
  }

  readDescription(bytes: Uint8Array, path: string): Description {
    return readDescription(bytes, path);
  }

  async syncs(directory: string, storage: Storage): Promise<PublishedSyncs | undefined> {
    const { manifest } = (await this.#synced(directory, storage)) ?? {};
    if (manifest === undefined) return undefined;
    const objects = await storage.list(directory);
    const names = new Set(objects.map(({ path }) => path.slice(directory.length + 1)));
    return publishedSyncs(manifest, (name) => names.has(name));
  }

  async mergeable(directory: string, storage: Storage): Promise<MergeableTable | undefined> {
    const found = await this.#synced(directory, storage);
    return found && mergeableTable(found.manifest, directory);
  }

  async publishMerged(merged: MergedTable, storage: Storage): Promise<readonly string[]> {
    const { runId, directory, number } = merged;
    const found = await this.#synced(directory, storage);
    return publishSync({
      ...{ storage, directory, runId, number, isFull: false },
      parts: merged.files.map((file) => ({ staged: file.staged.part, directory: file.directory, isPublished: false })),
      // It stays where it is.
      manifestPath: found?.path ?? this.descriptionPath(directory) ?? '',
      manifestPaths: this.descriptionPaths(directory),
      // They name no files.
      statements: [],
      manifest: (names, earlier) => {
        if (earlier === undefined) throw new TypeError('Only a table that is synced can be merged');
        return compactedManifest(earlier, { merged, names, endedAt: new Date() });
      },
      manifestBytes,
    });
  }

  /** The manifest of the last sync, and where it is. */
  async #synced(
    directory: string,
    storage: Storage,
  ): Promise<{ readonly path: string; readonly manifest: SyncedManifest } | undefined> {
    const read = await Promise.all(
      this.descriptionPaths(directory).map(async (path) => {
        const bytes = await storage.get(path);
        return { path, manifest: bytes && readSyncedManifest(bytes) };
      }),
    );
    const manifest = latest(read.map((one) => one.manifest));
    const at = read.find((one) => one.manifest === manifest);
    return manifest === undefined || at === undefined ? undefined : { path: at.path, manifest };
  }

  completionPath(directory: string): string {
    return joinPath(directory, SUCCESS_NAME);
  }

  async published(
    { directory, runId }: { readonly directory: string; readonly runId: string },
    storage: Storage,
  ): Promise<PublishedTable | undefined> {
    const path = this.descriptionPath(directory);
    const bytes = path === undefined ? undefined : await storage.get(path);
    const table = bytes === undefined ? undefined : readPublishedTable(bytes, runId);
    if (table === undefined) return undefined;
    return (await storage.get(this.completionPath(directory))) === undefined ? undefined : table;
  }
}

function partsOf(files: StagedTable['files']): StagedParts['parts'] {
  return files.map(({ staged, slice, isPublished }) => ({
    staged: staged.part,
    directory: slice.directory ?? '',
    isPublished,
  }));
}

/** As the manifest has them, as far as statements need them. */
function namedFiles(files: StagedTable['files'], names: readonly string[]): DdlFile[] {
  return files.map(({ slice: { levels } }, index) => ({
    name: names[index] ?? '',
    ...(levels !== undefined && { partition: partitionOf(levels) }),
  }));
}
