import { directoryOf } from '../../storage/path.js';
import type { DescribedTable } from '../formats/table-format.js';

type FolderTable = Pick<DescribedTable, 'schema' | 'directory'>;

/** A directory with a manifest: that of a schema, or the one above several. */
export interface CdmFolder<Table extends FolderTable = DescribedTable> {
  /** Relative to the storage's base. */
  readonly directory: string;
  /** Undefined for the database. */
  readonly schema: string | undefined;
  /** Whose directories are in it. */
  readonly tables: readonly Table[];
  /** Folders of schemas in it, whose manifests are below its own. */
  readonly below: readonly CdmFolder<Table>[];
}

interface GrowingFolder<Table extends FolderTable> extends CdmFolder<Table> {
  readonly tables: Table[];
  readonly below: GrowingFolder<Table>[];
}

/**
 * The folders of tables of one storage: one for each schema, and one above them where there are several. A query without a
 * schema is in the folder above.
 * @returns a folder comes after those below it
 */
export function foldersOf<Table extends FolderTable>(tables: readonly Table[]): CdmFolder<Table>[] {
  const folders = new Map<string, GrowingFolder<Table>>();
  const folderAt = (directory: string, schema: string | undefined): GrowingFolder<Table> => {
    const known = folders.get(directory);
    if (known !== undefined) return known;
    const folder: GrowingFolder<Table> = { directory, schema, tables: [], below: [] };
    folders.set(directory, folder);
    return folder;
  };
  const roots = new Map<string, Set<GrowingFolder<Table>>>();
  for (const table of tables) {
    const { schema, directory } = table;
    const folder = folderAt(directoryOf(directory), schema);
    folder.tables.push(table);
    const root = schema === undefined ? folder.directory : directoryOf(folder.directory);
    const inRoot = roots.get(root);
    if (inRoot === undefined) roots.set(root, new Set([folder]));
    else inRoot.add(folder);
  }
  for (const [root, inRoot] of roots) {
    if (inRoot.size < 2) continue;
    const above = folderAt(root, undefined);
    above.below.push(...[...inRoot].filter((folder) => folder !== above));
  }
  for (const { tables: inside, below } of folders.values()) {
    inside.sort(byDirectory);
    below.sort(byDirectory);
  }
  return [...folders.values()].sort((a, b) => depthOf(b) - depthOf(a) || byDirectory(a, b));
}

type InDirectory = Pick<FolderTable, 'directory'>;

function byDirectory({ directory: a }: InDirectory, { directory: b }: InDirectory): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function depthOf({ directory }: InDirectory): number {
  return directory === '' ? 0 : directory.split('/').length;
}
