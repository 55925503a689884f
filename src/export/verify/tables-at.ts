import { directoryOf, nameOf } from '../../storage/path.js';
import type { Storage, StoredObject } from '../../storage/storage.js';
import type { TableFormat } from '../formats/table-format.js';
import type { Difference } from './difference.js';
import { belowDirectory, type ExpectedTable, unknownFile } from './verify-tables.js';

/** What is to be verified at a path. */
export interface TablesAt {
  readonly tables: readonly ExpectedTable[];
  /** Parquet files in the directory of no table. */
  readonly unknown: readonly Difference[];
}

/**
 * The tables at a path, from their manifests: of one manifest, of the table whose directory it is, or of everything
 * below it.
 * @param path of a manifest or directory, relative to the storage's base
 */
export async function tablesAt(storage: Storage, path: string, format: TableFormat): Promise<TablesAt> {
  const one = path !== '' && format.isDescription(path) ? await storage.get(path) : undefined;
  if (one !== undefined) return { tables: [described(storage, { path, content: one }, format)], unknown: [] };
  const objects = await storage.list(path);
  const beside = path === '' ? [] : format.descriptionPaths(path);
  const paths = [
    ...new Set([...objects.map((object) => object.path).filter((each) => format.isDescription(each)), ...beside]),
  ];
  const found = await Promise.all(paths.map(async (each) => ({ path: each, content: await storage.get(each) })));
  const tables = found.flatMap(({ path: each, content }) =>
    content === undefined ? [] : [described(storage, { path: each, content }, format)],
  );
  const unknown = tables.length === 0 ? [] : unclaimed(objects, { path, tables });
  return { tables, unknown: unknown.map((object) => unknownFile(storage, object.path, object.bytes)) };
}

function described(
  storage: Storage,
  { path, content }: { readonly path: string; readonly content: Uint8Array },
  format: TableFormat,
): ExpectedTable {
  const description = format.readDescription(content, path);
  if ('table' in description) {
    return { ...description.table, storage, differences: [], isGone: false };
  }
  const finding = { check: 'manifest' as const, path: storage.display(path), expected: 'a manifest of lakeport' };
  return {
    schema: undefined,
    name: nameOf(directoryOf(path)),
    storage,
    directory: directoryOf(path),
    files: [],
    columns: undefined,
    differences: [{ ...finding, found: description.problem }],
    isGone: true,
  };
}

/** Files of tables' directories are compared with their manifests. */
function unclaimed(
  objects: readonly StoredObject[],
  { path, tables }: { readonly path: string; readonly tables: readonly ExpectedTable[] },
): StoredObject[] {
  const directories = tables.map(({ directory }) => (directory === '' ? '' : `${directory}/`));
  return objects.filter((object) => {
    const isHidden = belowDirectory(object.path, path)
      .split('/')
      .some((segment) => /^[._]/.test(segment));
    const isClaimed = directories.some((directory) => object.path.startsWith(directory));
    return object.path.endsWith('.parquet') && !isHidden && !isClaimed;
  });
}
