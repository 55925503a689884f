import { LakeportError } from '../../errors.js';
import { tableName } from '../../model/table.js';
import type { DescribeOptions, ReadColumn } from '../source.js';
import { type CatalogColumn, type CatalogTable, listColumns, sampleClasses } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { quoteName } from './identifiers.js';
import { isAllText } from './options.js';
import { type ColumnKind, declaredKind, expression, foundKind, KINDS } from './types.js';

/** Number of rows to sample for a column whose declared type says nothing. */
const SAMPLE = 10_000;

/** How the table's columns are read. @throws LakeportError for a table without readable columns */
export function describeColumns(
  connection: SqliteConnection,
  table: CatalogTable,
  { onUnrepresentable, engineOptions }: DescribeOptions,
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
    const { type, fidelity } = KINDS[kind];
    const isPartial = kind !== 'any' && !isRowid;
    return {
      spec: {
        name,
        fieldId: i + 1,
        nullable: !isRowid && (!notNull || table.kind === 'view' || (isPartial && onUnrepresentable === 'null')),
        list: false,
        type,
        sourceType: declared,
        fidelity,
      },
      expression: expression(kind, quoteName(name)),
      decoder: { kind },
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
