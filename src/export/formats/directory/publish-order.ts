import { LakeportError } from '../../../errors.js';
import { directoryOf, joinPath } from '../../../storage/path.js';
import type { StagedPart, Storage } from '../../../storage/storage.js';
import { isTargetChanged } from '../../../storage/target-changed.js';
import { isLostClaim } from '../../../runtime/interruption.js';
import { MANIFEST_PLACES } from '../../model/manifest-place.js';
import type { DdlDialect } from '../../model/ddl-dialect.js';
import { ddlPath } from './ddl-path.js';
import { isManifest, readDialects } from './manifest-versions.js';
import { manifestPath } from './manifest-path.js';
import { publishParts, putManifest } from './publish-parts.js';
import { SeenObjects } from './seen-objects.js';
import { fileNames, isOwnPart, MANIFEST_NAME, SUCCESS_NAME } from './file-names.js';

/** The parts of a fully staged table, and how to describe them once their names are known. */
export interface StagedParts {
  readonly storage: Storage;
  /** The table's directory, relative to the storage's base. */
  readonly directory: string;
  /** In the order of the rows. */
  readonly parts: readonly {
    readonly staged: StagedPart;
    /** Hive-style directories below the table's; empty for none. */
    readonly directory: string;
    /** Whether an earlier attempt of the run has already given it its final name. */
    readonly isPublished: boolean;
  }[];
  /** Path of the manifest, relative to the storage's base; undefined for none. */
  readonly manifestPath: string | undefined;
  /** Further files that describe the table, by their paths. */
  readonly statements?: readonly {
    readonly path: string;
    readonly content: (names: readonly string[]) => Uint8Array;
  }[];
  /** Returns the content of the manifest, given the files' names relative to the table's directory. */
  readonly manifest: (names: readonly string[]) => Uint8Array;
}

/**
 * Publishes a staged table in an order that never shows a mixture to a reader that checks for `_SUCCESS`: remove the
 * old `_SUCCESS`, publish the files, remove stale files and stale descriptions of an earlier export, write the manifest
 * and what else describes the table, and write `_SUCCESS` last.
 * On failure, files still staged are discarded, and the earlier export is unchanged unless one of its files had
 * already been replaced; in that case, the error says so.
 * @returns the files' names, relative to the table's directory
 */
export async function publishInOrder(table: StagedParts): Promise<readonly string[]> {
  const { storage, directory, manifestPath: manifest, statements = [] } = table;
  const names = fileNames(table.parts.map((part) => part.directory));
  const success = joinPath(directory, SUCCESS_NAME);
  const pending = new Set(table.parts.filter((part) => !part.isPublished).map((part) => part.staged));
  let earlier: ExistingExport | undefined;
  try {
    earlier = await inspectDirectory(table, names);
    const { seen } = earlier;
    const removal = { versions: seen.versions };
    if (earlier.isComplete) await storage.remove([success], removal);
    await publishParts(table, { names, pending, seen });
    const stale = [...earlier.staleParts, ...earlier.staleDescriptions];
    if (stale.length > 0) await storage.remove(stale, removal);
    if (manifest !== undefined) await putManifest(storage, { path: manifest, content: table.manifest(names), seen });
    for (const { path, content } of statements) await storage.put(path, content(names), { isPersistedLater: true });
    // Once `_SUCCESS` is there, so is the rest, even after a power failure.
    await storage.persist?.([...new Set([...partDirectories(table), ...descriptionPaths(table).map(directoryOf)])]);
    await storage.put(success, new Uint8Array(0), { replaces: seen.afterRemoval });
    return names;
  } catch (error) {
    if (error instanceof LakeportError && isLostClaim(error)) {
      // The directory belongs to the other run now, including anything this run has published.
      await Promise.allSettled(Array.from(pending, (part) => storage.discard(part)));
      throw error;
    }
    const published = table.parts.length - pending.size;
    const untouched = published === 0;
    await Promise.allSettled([
      ...Array.from(pending, (part) => storage.discard(part)),
      // The earlier export's manifest describes files that no longer exist.
      untouched
        ? restoreSuccess(storage, success, earlier)
        : storage.remove(
            [...descriptionPaths(table), ...(earlier?.staleDescriptions ?? [])].filter(
              (path) => !isForeign(path, error, storage),
            ),
          ),
    ]);
    throw untouched ? error : incomplete(error, table, published);
  }
}

/** Of the files that describe the table, besides `_SUCCESS`. */
function descriptionPaths({ manifestPath: manifest, statements = [] }: StagedParts): string[] {
  return [...(manifest === undefined ? [] : [manifest]), ...statements.map(({ path }) => path)];
}

function partDirectories({ directory, parts }: StagedParts): string[] {
  return [directory, ...parts.map((part) => joinPath(directory, part.directory))];
}

/** Whether another program has just written the object, so that this run must not remove it. */
function isForeign(path: string, error: unknown, storage: Storage): boolean {
  return isTargetChanged(error) && error.context.path === storage.display(path);
}

interface ExistingExport {
  readonly seen: SeenObjects;
  /** Whether the directory has `_SUCCESS`. */
  readonly isComplete: boolean;
  /** Files that the new export does not overwrite. */
  readonly staleParts: readonly string[];
  /** Manifests in other places, and files of statements that the new export has none instead of. */
  readonly staleDescriptions: readonly string[];
}

/** @throws LakeportError if a directory blocks the path of a file: better now than halfway through publishing */
async function inspectDirectory(table: StagedParts, names: readonly string[]): Promise<ExistingExport> {
  const { storage, directory, manifestPath: manifest } = table;
  // A manifest inside the directory is listed with everything else.
  const apart = manifest !== undefined && !manifest.startsWith(`${directory}/`) ? manifest : undefined;
  const objects = await storage.list(directory);
  // Without files, no manifest is expected; if there is one, the conditional write will fail.
  const manifestObject = apart === undefined || objects.length === 0 ? undefined : await storage.read(apart);
  const found = objects.map((object) => object.path.slice(directory.length + 1));
  const coming = new Set([...names, MANIFEST_NAME, SUCCESS_NAME]);
  for (const relative of found) {
    for (let at = relative.indexOf('/'); at !== -1; at = relative.indexOf('/', at + 1)) {
      if (coming.has(relative.slice(0, at)))
        throw pathBlocked(storage.display(joinPath(directory, relative.slice(0, at))));
    }
  }
  return {
    seen: new SeenObjects(storage, manifestObject === undefined ? objects : [...objects, manifestObject]),
    isComplete: found.includes(SUCCESS_NAME),
    staleParts: found
      .filter((relative) => isOwnPart(relative) && !coming.has(relative))
      .map((relative) => joinPath(directory, relative)),
    staleDescriptions: await staleDescriptions(table, {
      hasInside: found.includes(MANIFEST_NAME),
      apart: manifestObject?.content,
    }),
  };
}

/** Descriptions by earlier exports that the new one does not replace. Files not written by lakeport stay. */
async function staleDescriptions(
  { storage, directory, manifestPath: coming, statements = [] }: StagedParts,
  there: { readonly hasInside: boolean; readonly apart: Uint8Array | undefined },
): Promise<string[]> {
  const stale: string[] = [];
  const dialects = new Set<DdlDialect>();
  for (const place of MANIFEST_PLACES) {
    const path = manifestPath(directory, place);
    if (path === undefined || (place === 'inside' && !there.hasInside)) continue;
    const content = path === coming && place !== 'inside' ? there.apart : await storage.get(path);
    if (content === undefined || !isManifest(content)) continue;
    if (path !== coming) stale.push(path);
    for (const dialect of readDialects(content)) dialects.add(dialect);
  }
  const kept = new Set(statements.map(({ path }) => path));
  const left = [...dialects].map((dialect) => ddlPath(directory, dialect)).filter((path) => !kept.has(path));
  return [...stale, ...left];
}

async function restoreSuccess(storage: Storage, success: string, earlier: ExistingExport | undefined): Promise<void> {
  if (earlier?.isComplete === true) await storage.put(success, new Uint8Array(0));
}

function pathBlocked(shown: string): LakeportError {
  return new LakeportError({
    code: 'PATH_IN_THE_WAY',
    message: `${shown} is a directory, but one of the table's files must go there`,
    hint: 'Move it away, or export to another destination.',
    context: { path: shown },
  });
}

function incomplete(thrown: unknown, { storage, directory, parts }: StagedParts, published: number): LakeportError {
  const cause = LakeportError.from(thrown);
  const shown = storage.display(directory);
  return new LakeportError({
    code: 'PUBLISH_INCOMPLETE',
    message:
      `Publishing stopped after ${published} of ${parts.length} parts: ${shown} has no ${SUCCESS_NAME}, ` +
      `and may hold parts of this export and of an earlier one. ${cause.message}`,
    hint: `Do not read ${shown} until the table has been exported again. ${cause.hint ?? ''}`.trim(),
    context: { ...cause.context, path: shown },
    cause,
  });
}
