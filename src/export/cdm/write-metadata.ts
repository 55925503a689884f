import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import type { DisplayPath } from '../../model/display-path.js';
import { directoryOf, joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { MetadataFiles, MetadataOptions } from '../model/metadata-files.js';
import { type DescribeOptions, describeTables, type FoundTable, type PlacedTable } from './describe-tables.js';
import { documentBytes, type EntityDocument, type ManifestDocument } from './documents.js';
import { entityDocument } from './entity-document.js';
import { type CdmFolder, foldersOf } from './folders.js';
import { manifestDocument } from './manifest-document.js';
import { entityFileName, MANIFEST_NAMES } from './names.js';

/** Documents written concurrently. */
const CONCURRENCY = 16;

/**
 * Writes the Common Data Model's documents for the tables of a run: entities, then the manifests of their folders, then
 * those above. Each appears whole, in place of its earlier version. Folders with no published table stay as they are.
 * @throws LakeportError if a table cannot be described, or another file is in the way
 */
export async function writeMetadata(
  tables: readonly PlacedTable[],
  options: DescribeOptions & MetadataOptions,
): Promise<MetadataFiles> {
  const found = await describeTables(tables, options);
  // Two entries of the auth file may lead to the same place.
  const places = new Map<string, FoundTable[]>();
  for (const table of found) {
    const place = JSON.stringify(table.storage.place(''));
    const here = places.get(place);
    if (here === undefined) places.set(place, [table]);
    else here.push(table);
  }
  const written: MetadataFiles[] = [];
  for (const here of places.values()) written.push(await writeTo(here, options));
  return {
    manifests: written.flatMap(({ manifests }) => manifests),
    entityFiles: written.flatMap(({ entityFiles }) => entityFiles),
  };
}

async function writeTo(
  found: readonly FoundTable[],
  { runId, manifestName, includeEntityFiles, signal }: DescribeOptions & MetadataOptions,
): Promise<MetadataFiles> {
  const [first] = found;
  if (first === undefined) return { manifests: [], entityFiles: [] };
  const { storage } = first;
  const published = new Set(found.filter(({ isPublished }) => isPublished).map(({ described }) => described));
  const isTouched = ({ tables, below }: CdmFolder): boolean =>
    tables.some((table) => published.has(table)) || below.some(isTouched);
  const all = foldersOf(found.map(({ described }) => described));
  const folders = all.filter(isTouched);
  const inner = new Set(all.flatMap(({ below }) => below));
  const limit = pLimit(CONCURRENCY);
  const entities = includeEntityFiles ? folders.flatMap(({ tables }) => tables) : [];
  const entityFiles = await Promise.all(
    entities.map((table) =>
      limit(() => {
        signal.throwIfAborted();
        const path = joinPath(directoryOf(table.directory), entityFileName(table));
        return put(storage, path, entityDocument(table));
      }),
    ),
  );
  await storage.persist?.(folders.map(({ directory }) => directory));
  const manifests: DisplayPath[] = [];
  for (const folder of folders) {
    // A folder below another is told apart by its own name.
    const name = inner.has(folder) ? undefined : manifestName;
    for (const fileName of MANIFEST_NAMES.toReversed()) {
      signal.throwIfAborted();
      const document = manifestDocument(folder, { runId, manifestName: name, fileName });
      manifests.unshift(await put(storage, joinPath(folder.directory, fileName), document));
    }
    await storage.persist?.([folder.directory]);
  }
  return { manifests, entityFiles };
}

async function put(storage: Storage, path: string, document: ManifestDocument | EntityDocument): Promise<DisplayPath> {
  const shown = storage.display(path);
  const before = await storage.get(path);
  if (before !== undefined && !isDocument(before)) throw inTheWay(shown);
  await storage.put(path, documentBytes(document), { isPersistedLater: true });
  return shown;
}

/** Whether the file is one of the Common Data Model, whoever wrote it. */
function isDocument(content: Uint8Array): boolean {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(content));
    return typeof parsed === 'object' && parsed !== null && ('manifestName' in parsed || 'definitions' in parsed);
  } catch {
    return false;
  }
}

function inTheWay(shown: DisplayPath): LakeportError {
  return new LakeportError({
    code: 'METADATA_IN_THE_WAY',
    message: `${shown} is not a document of the Common Data Model, and is left as it is`,
    hint: 'Move it away, then write the metadata of the run: --run-id with --generate-metadata.',
    context: { path: shown },
  });
}
