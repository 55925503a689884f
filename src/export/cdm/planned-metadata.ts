import { directoryOf, joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { MetadataFiles, MetadataOptions } from '../model/metadata-files.js';
import type { TablePlan } from '../model/plan.js';
import { foldersOf } from './folders.js';
import { entityFileName, MANIFEST_NAMES } from './names.js';

/** The documents that an export of these tables writes, if all are published. */
export function plannedMetadata(
  tables: readonly Pick<TablePlan, 'id' | 'directory' | 'storageId'>[],
  {
    includeEntityFiles,
    storageOf,
  }: Pick<MetadataOptions, 'includeEntityFiles'> & { readonly storageOf: (id: string) => Pick<Storage, 'display'> },
): MetadataFiles {
  const storageIds = [...new Set(tables.map(({ storageId }) => storageId))];
  const files = storageIds.map((id) => {
    const storage = storageOf(id);
    const here = tables
      .filter(({ storageId }) => storageId === id)
      .map(({ id: { schema }, directory }) => ({ schema: schema === '' ? undefined : schema, directory }));
    const folders = foldersOf(here).toReversed();
    const entities = includeEntityFiles ? here : [];
    return {
      manifests: folders.flatMap(({ directory }) =>
        MANIFEST_NAMES.map((name) => storage.display(joinPath(directory, name))),
      ),
      entityFiles: entities.map((table) =>
        storage.display(joinPath(directoryOf(table.directory), entityFileName(table))),
      ),
    };
  });
  return {
    manifests: files.flatMap(({ manifests }) => manifests),
    entityFiles: files.flatMap(({ entityFiles }) => entityFiles),
  };
}
