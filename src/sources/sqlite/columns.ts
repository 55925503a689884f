import { LakeportError } from '../../errors.js';
import { tableName } from '../../model/table.js';
import type { DescribeOptions, ReadColumn } from '../source.js';
import { type CatalogColumn, type CatalogTable, listColumns, sampleClasses } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { quoteName } from './identifiers.js';
import { isAllText } from './options.js';
import { readOf } from './treated-columns.js';
import { type ColumnKind, declaredKind, foundKind } from './types.js';

/** Number of rows to sample for a column whose declared type says nothing. */
const SAMPLE = 10_000;

/** How the table's columns are read. @throws LakeportError for a table without readable columns */
export function describeColumns(
  connection: SqliteConnection,
  table: CatalogTable,
  { onUnrepresentable, engineOptions, treatments }: DescribeOptions,
): ReadColumn[] {
  const columns = listColumns(connection, table);
  const isText = isAllText(engineOptions);
  if (columns.length === 0) throw noColumns(table);
  const kinds = new Map<string, ColumnKind>();
  const open = columns.filter((column) => {
    const kind = isText ? 'any' : kindOf(column);
    if (kind !== undefined) kinds.set(column.name, kind);
    return kind === undefined;
  });
  const classes = sampleClasses(
    connection,
    table,
    open.map(({ name }) => name),
    SAMPLE,
  );
  for (const [i, { name }] of open.entries()) {
    const [integer = false, real = false, text = false, blob = false] = classes[i] ?? [];
    kinds.set(name, foundKind({ integer, real, text, blob }));
  }
  return columns.map(({ name, declared, notNull, isRowid }, i) => {
    const kind = kinds.get(name) ?? 'any';
    const treatment = treatments?.of(table.id, name);
    const read = readOf({ name, sourceType: declared, kind, quoted: quoteName(name), treatment });
    const { type, fidelity, mask, expression, decoder } = read;
    const isOwn = treatment?.mask === undefined && treatment?.type === undefined;
    // A rowid is an integer.
    const mayMisfit = read.partial && onUnrepresentable === 'null' && !(isRowid && isOwn);
    const isRequired = isRowid || (notNull && table.kind !== 'view');
    return {
      spec: {
        ...{ name, fieldId: i + 1, nullable: !isRequired || mayMisfit || read.isNull === true, list: false },
        ...{ type, sourceType: declared, fidelity },
        ...(mask !== undefined && { mask }),
        ...(treatment?.isTextByValues === true && { isTextByValues: true }),
      },
      expression,
      decoder,
    };
  });
}

function kindOf({ declared, isRowid }: CatalogColumn): ColumnKind | undefined {
  return isRowid ? 'integer' : declaredKind(declared);
}

function noColumns({ id }: CatalogTable): LakeportError {
  return new LakeportError({
    code: 'TABLE_NOT_FOUND',
    message: `${tableName(id)} has no columns that can be read`,
    hint: 'It was dropped in the meantime: run again',
  });
}
