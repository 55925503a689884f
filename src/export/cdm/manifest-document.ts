import { joinPath, nameOf } from '../../storage/path.js';
import { VERSION } from '../../version.js';
import type { DescribedFile, DescribedTable } from '../formats/table-format.js';
import { type DataPartition, IMPORTS, type LocalEntity, type ManifestDocument, SEMANTIC_VERSION } from './documents.js';
import type { CdmFolder } from './folders.js';
import { entityName, entityPath, type ManifestName } from './names.js';
import { relationshipsOf } from './relationships.js';

export interface ManifestOptions {
  readonly runId: string;
  /** Instead of the schema's or the database's. */
  readonly manifestName: string | undefined;
  /** Of the file: it names those below it by theirs. */
  readonly fileName: ManifestName;
}

/** A folder's manifest. */
export function manifestDocument(
  folder: CdmFolder,
  { runId, manifestName = ownName(folder), fileName }: ManifestOptions,
): ManifestDocument {
  const { tables, below } = folder;
  const database = databaseOf(folder);
  const what = folder.schema === undefined ? `Database ${database}` : `Schema ${folder.schema} of database ${database}`;
  return {
    jsonSchemaSemanticVersion: SEMANTIC_VERSION,
    imports: IMPORTS,
    manifestName,
    explanation: `${what}, exported by lakeport ${VERSION}, run ${runId}`,
    entities: tables.map(localEntity),
    relationships: relationshipsOf(folder),
    ...(below.length > 0 && {
      subManifests: below.map((inner) => ({
        manifestName: ownName(inner),
        definition: joinPath(nameOf(inner.directory), fileName),
      })),
    }),
  };
}

function ownName(folder: CdmFolder): string {
  return folder.schema ?? databaseOf(folder);
}

/** Manifests of earlier versions did not always have its name. */
function databaseOf({ tables, below }: CdmFolder): string {
  const all = [...tables, ...below.flatMap((inner) => inner.tables)];
  return all.find(({ database }) => database !== undefined)?.database ?? 'database';
}

function localEntity(table: DescribedTable): LocalEntity {
  const { comment, endedAt, directory, files } = table;
  return {
    type: 'LocalEntity',
    entityName: entityName(table),
    ...(comment !== undefined && { explanation: comment }),
    ...(endedAt !== undefined && { lastFileModifiedTime: endedAt.toISOString() }),
    entityPath: entityPath(table),
    dataPartitions: files.map((file) => dataPartition(file, { directory: nameOf(directory), endedAt })),
  };
}

function dataPartition(
  { name, bytes, levels }: DescribedFile,
  { directory, endedAt }: { readonly directory: string; readonly endedAt: Date | undefined },
): DataPartition {
  const values = Object.entries(levels).flatMap(([level, value]) => (value === null ? [] : [{ name: level, value }]));
  return {
    name: nameOf(name),
    location: joinPath(directory, name),
    ...(endedAt !== undefined && { lastFileModifiedTime: endedAt.toISOString() }),
    exhibitsTraits: [
      { traitReference: 'is.partition.format.parquet' },
      { traitReference: 'is.partition.size', arguments: [{ name: 'value', value: String(bytes) }] },
    ],
    ...(values.length > 0 && { arguments: values }),
  };
}
