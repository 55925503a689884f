import { directoryOf, joinPath, nameOf } from '../../../storage/path.js';
import type { Storage } from '../../../storage/storage.js';
import { MANIFEST_PLACES, type ManifestPlace } from '../../model/manifest-place.js';
import type {
  Description,
  PreviousExport,
  PublishedTable,
  SlicePosition,
  StagedTable,
  TableFormat,
} from '../table-format.js';
import { isManifestPath, readDescription } from './description.js';
import type { DdlDialect } from '../../model/ddl-dialect.js';
import { ddlBytes } from './ddl.js';
import { ddlName, ddlPath } from './ddl-path.js';
import { fileNames, stagedName, SUCCESS_NAME } from './file-names.js';
import { manifestBytes, tableManifest } from './manifest.js';
import { manifestPath } from './manifest-path.js';
import { readPreviousExport, readPublishedTable } from './manifest-versions.js';
import { publishInOrder } from './publish-order.js';

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

  fileNames(directories: readonly string[]): string[] {
    return fileNames(directories);
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
    return publishInOrder({
      storage,
      directory,
      parts: files.map(({ staged, slice, isPublished }) => ({
        staged: staged.part,
        directory: slice.directory ?? '',
        isPublished,
      })),
      manifestPath: path,
      statements: this.ddlPaths(directory).map(({ dialect, path: file }) => ({
        path: file,
        content: (names) => ddlBytes(dialect, { table, names, storage }),
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
