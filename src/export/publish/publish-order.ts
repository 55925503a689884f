import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import { readManifest } from './manifest.js';
import { joinPath } from '../../storage/path.js';
import type { Replaced, StagedPart, Storage, StoredObject } from '../../storage/storage.js';
import { isTargetChanged } from '../../storage/target-changed.js';
import { isLostClaim } from '../../runtime/interruption.js';
import { MANIFEST_PLACES, manifestPath } from '../model/manifest-place.js';
import { isOwnPart, MANIFEST_NAME, partName, SUCCESS_NAME } from '../model/part-names.js';

/** Parts of one table that are published at the same time. */
const CONCURRENCY = 8;

/** A table that is staged as a whole. */
export interface StagedTable {
  readonly storage: Storage;
  /** The table's, relative to the storage's base. */
  readonly directory: string;
  /** In the order of the rows. */
  readonly parts: readonly {
    readonly staged: StagedPart;
    /** Hive-style directories below the table's; empty for none. */
    readonly directory: string;
    /** It has its final name already, from an earlier attempt of the run. */
    readonly isPublished: boolean;
  }[];
  /** Where the manifest goes, relative to the storage's base; undefined for none. */
  readonly manifestPath: string | undefined;
  /** Content of the manifest, given the parts' names relative to the table's directory. */
  readonly manifest: (names: readonly string[]) => Uint8Array;
}

/**
 * Makes a staged table visible, in an order in which a reader that looks for `_SUCCESS` never sees a mixture: the old
 * `_SUCCESS` goes, the parts come, stale parts of an earlier export go, and its manifest where that lies elsewhere; the
 * manifest comes, `_SUCCESS` last.
 * On failure what is still staged is withdrawn, and the earlier export is as it was unless a part of it had been
 * replaced already; then the error says so.
 * @returns the parts' names, relative to the table's directory
 */
export async function publishInOrder(table: StagedTable): Promise<readonly string[]> {
  const { storage, directory, manifestPath: manifest } = table;
  const names = table.parts.map((part, index) => joinPath(part.directory, partName(index)));
  const success = joinPath(directory, SUCCESS_NAME);
  const pending = new Set(table.parts.filter((part) => !part.isPublished).map((part) => part.staged));
  let earlier: ExistingExport | undefined;
  try {
    earlier = await inspectDirectory(table, names);
    const { seen } = earlier;
    const removal = { versions: seen.versions };
    if (earlier.isComplete) await storage.remove([success], removal);
    await publishParts(table, { names, pending, seen });
    const stale = [...earlier.staleParts, ...earlier.staleManifests];
    if (stale.length > 0) await storage.remove(stale, removal);
    if (manifest !== undefined) await putManifest(storage, { path: manifest, content: table.manifest(names), seen });
    await storage.put(success, new Uint8Array(0), { replaces: seen.afterRemoval });
    return names;
  } catch (error) {
    if (error instanceof LakeportError && isLostClaim(error)) {
      // What readers see is the other run's, whatever this one had published of it.
      await Promise.allSettled(Array.from(pending, (part) => storage.discard(part)));
      throw error;
    }
    const published = table.parts.length - pending.size;
    const untouched = published === 0;
    await Promise.allSettled([
      ...Array.from(pending, (part) => storage.discard(part)),
      // The manifest of the earlier export describes parts that are not there any more.
      untouched
        ? restoreSuccess(storage, success, earlier)
        : storage.remove(
            [...(manifest === undefined ? [] : [manifest]), ...(earlier?.staleManifests ?? [])].filter(
              (path) => !isForeign(path, error, storage),
            ),
          ),
    ]);
    throw untouched ? error : incomplete(error, table, published);
  }
}

/** What another program has just put there is not this run's to remove. */
function isForeign(path: string, error: unknown, storage: Storage): boolean {
  return isTargetChanged(error) && error.context.path === storage.display(path);
}

/** What stood at the table's place when the run began to publish it, for conditions on what is written there. */
class SeenObjects {
  /** By path. */
  readonly versions: ReadonlyMap<string, string>;
  readonly #paths: ReadonlySet<string>;
  readonly #isConditional: boolean;

  constructor(storage: Storage, objects: readonly StoredObject[]) {
    this.#isConditional = storage.capabilities.conditionalWrites === true;
    this.#paths = new Set(objects.map(({ path }) => path));
    this.versions = new Map(
      objects.flatMap(({ path, version }) => (version === undefined ? [] : [[path, version] as const])),
    );
  }

  /** What a write to that path may replace; undefined where it may replace anything. */
  at(path: string): Replaced | undefined {
    const version = this.versions.get(path);
    // An object whose version the store does not tell.
    if (version === undefined && this.#paths.has(path)) return undefined;
    return this.#isConditional ? { version } : undefined;
  }

  get isEmpty(): boolean {
    return this.#paths.size === 0;
  }

  /** The same of a path that has just been made free. */
  get afterRemoval(): Replaced | undefined {
    return this.#isConditional ? { version: undefined } : undefined;
  }
}

interface ExistingExport {
  readonly seen: SeenObjects;
  /** The directory has `_SUCCESS`. */
  readonly isComplete: boolean;
  /** Those that the new export does not replace. */
  readonly staleParts: readonly string[];
  readonly staleManifests: readonly string[];
}

/** @throws LakeportError where something stands in the way of a part: better now than when half of them are there */
async function inspectDirectory(table: StagedTable, names: readonly string[]): Promise<ExistingExport> {
  const { storage, directory, manifestPath: manifest } = table;
  // In its directory it is listed with everything else.
  const apart = manifest !== undefined && !manifest.startsWith(`${directory}/`) ? manifest : undefined;
  const objects = await storage.list(directory);
  // Where there are no parts there will be no manifest; should there be one all the same, writing it tells.
  const manifestObject = apart === undefined || objects.length === 0 ? undefined : await storage.find?.(apart);
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
    staleManifests: await staleManifests(table, { hasInside: found.includes(MANIFEST_NAME) }),
  };
}

/** Manifests of earlier exports that had another place for them. What is not this program's stays. */
async function staleManifests(
  { storage, directory, manifestPath: coming }: StagedTable,
  { hasInside }: { readonly hasInside: boolean },
): Promise<string[]> {
  const stale: string[] = [];
  for (const place of MANIFEST_PLACES) {
    const path = manifestPath(directory, place);
    if (path === undefined || path === coming || (place === 'inside' && !hasInside)) continue;
    const content = await storage.get(path);
    if (content !== undefined && readManifest(content) !== undefined) stale.push(path);
  }
  return stale;
}

/** Takes each part out of `pending` when it is published. Stops at the first failure. */
async function publishParts(
  table: StagedTable,
  {
    names,
    pending,
    seen,
  }: { readonly names: readonly string[]; readonly pending: Set<StagedPart>; readonly seen: SeenObjects },
): Promise<void> {
  const limit = pLimit(CONCURRENCY);
  let stopped = false;
  const publishing = table.parts.map(({ staged }, index) =>
    limit(async () => {
      if (stopped || !pending.has(staged)) return;
      try {
        const path = joinPath(table.directory, names[index] ?? '');
        await table.storage.publish(staged, path, { replaces: seen.at(path) });
        pending.delete(staged);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }),
  );
  const results = await Promise.allSettled(publishing);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Where none was expected beside a directory without parts, one that is there is an old one as long as the claim is held. */
async function putManifest(
  storage: Storage,
  { path, content, seen }: { readonly path: string; readonly content: Uint8Array; readonly seen: SeenObjects },
): Promise<void> {
  try {
    await storage.put(path, content, { replaces: seen.at(path) });
  } catch (error) {
    if (!isTargetChanged(error) || !seen.isEmpty) throw error;
    const there = await storage.find?.(path);
    await storage.put(path, content, {
      replaces: new SeenObjects(storage, there === undefined ? [] : [there]).at(path),
    });
  }
}

async function restoreSuccess(storage: Storage, success: string, earlier: ExistingExport | undefined): Promise<void> {
  if (earlier?.isComplete === true) await storage.put(success, new Uint8Array(0));
}

function pathBlocked(shown: string): LakeportError {
  return new LakeportError({
    code: 'PATH_IN_THE_WAY',
    exit: 'tables-failed',
    message: `${shown} is a directory, where a file of the table belongs`,
    hint: 'Move it away, or export to another place.',
    context: { path: shown },
  });
}

function incomplete(thrown: unknown, { storage, directory, parts }: StagedTable, published: number): LakeportError {
  const cause = LakeportError.from(thrown);
  const shown = storage.display(directory);
  return new LakeportError({
    code: 'PUBLISH_INCOMPLETE',
    exit: 'tables-failed',
    message:
      `Publishing stopped after ${published} of ${parts.length} parts: ${shown} has no ${SUCCESS_NAME}, ` +
      `and may hold parts of this export and of an earlier one. ${cause.message}`,
    hint: `Do not read ${shown} before the table was exported again. ${cause.hint ?? ''}`.trim(),
    context: { ...cause.context, path: shown },
    cause,
  });
}
