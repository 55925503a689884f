import { tableKey } from '../../model/table.js';
import { joinPath, nameOf } from '../../storage/path.js';
import type { DescribedColumn, DescribedTable } from '../formats/table-format.js';
import type { Relationship } from './documents.js';
import type { CdmFolder } from './folders.js';
import { entityPath } from './names.js';

/**
 * The foreign keys that a folder's manifest tells: within the folder, or between two of those below it, as a path can't lead
 * upwards. Both tables and all columns of the key are there, with values that still match.
 */
export function relationshipsOf(folder: CdmFolder): Relationship[] {
  const members = [
    { tables: folder.tables, path: '' },
    ...folder.below.map(({ tables, directory }) => ({ tables, path: nameOf(directory) })),
  ].flatMap(({ tables, path }) => tables.map((table) => ({ table, path })));
  const byName = new Map(members.map((member) => [tableKey(idOf(member.table)), member]));
  return members.flatMap(({ table, path }) =>
    table.foreignKeys.flatMap(({ name, columns, references }) => {
      const target = byName.get(tableKey(references.table));
      // Its own manifest tells what is within a folder below.
      if (target === undefined || (path === target.path && path !== '')) return [];
      const pairs = columns.map((column, index) => [column, references.columns[index] ?? ''] as const);
      if (!pairs.every(([from, to]) => isSameForm(maskOf(table, from), maskOf(target.table, to)))) return [];
      return pairs.map(([from, to]) => ({
        ...(name !== undefined && { name }),
        fromEntity: joinPath(path, entityPath(table)),
        fromEntityAttribute: from,
        toEntity: joinPath(target.path, entityPath(target.table)),
        toEntityAttribute: to,
      }));
    }),
  );
}

function idOf({ schema = '', name }: DescribedTable): { readonly schema: string; readonly name: string } {
  return { schema, name };
}

/** Undefined if there is no such column; `''` if it has no mask. */
function maskOf({ columns, levels }: DescribedTable, name: string): string | undefined {
  const column: DescribedColumn | undefined = columns.find((one) => one.name === name);
  if (column !== undefined) return column.mask ?? '';
  return levels.some((level) => level.name === name) ? '' : undefined;
}

/** Hashes match hashes only. */
function isSameForm(from: string | undefined, to: string | undefined): boolean {
  return from === to && (from === '' || from === 'hash');
}
