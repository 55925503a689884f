import { LakeportError } from '../../errors.js';
import { tableName } from '../../model/table.js';
import { ALL_COLUMNS } from '../column-choice.js';
import type { DescribeOptions, PinOptions, ReadColumn } from '../source.js';
import { type CatalogColumn, type CatalogTable, listColumns, type listKnownColumns, sampleClasses } from './catalog.js';
import type { SqliteConnection } from './connection.js';
import { quoteName } from './identifiers.js';
import { isAllText } from './options.js';
import { checkRows, listQueryColumns } from './requested-rows.js';
import { readOf } from './treated-columns.js';
import { type ColumnKind, declaredKind, foundKind } from './types.js';

/** Number of rows to sample for a column whose declared type says nothing. */
const SAMPLE = 10_000;

type KnownColumns = ReturnType<typeof listKnownColumns>;

/** How the table's columns are read. @throws LakeportError for a table without readable columns */
export function describeColumns(
  connection: SqliteConnection,
  table: CatalogTable,
  options: DescribeOptions & Pick<PinOptions, 'columnChoice'> & { readonly known?: KnownColumns | undefined },
): ReadColumn[] {
  const { onUnrepresentable, engineOptions, treatments, columnChoice = ALL_COLUMNS, known } = options;
  const { dataset } = table;
  const listed =
    dataset.kind === 'query' ? listQueryColumns(connection, dataset) : listColumns(connection, table, known);
  if (listed.length === 0) throw noColumns(table);
  checkRows(connection, dataset, table.kind);
  const taken = columnChoice.take(
    table.id,
    listed.map(({ name }) => name),
  );
  const columns = listed
    .map((column, index) => ({ ...column, number: index + 1 }))
    .filter(({ name }) => taken.has(name));
  const isText = isAllText(engineOptions);
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
  return columns.map(({ name, declared, notNull, isRowid, number }) => {
    const kind = kinds.get(name) ?? 'any';
    const treatment = treatments?.of(table.id, name);
    const read = readOf({ name, sourceType: declared, kind, quoted: quoteName(name), treatment });
    const { type, fidelity, mask, expression, decoder } = read;
    const isOwn = treatment?.mask === undefined && treatment?.type === undefined;
    // A rowid is an integer.
    const mayMisfit = read.partial && onUnrepresentable === 'null' && !(isRowid && isOwn);
    const isRequired = isRowid || (notNull && table.kind === 'table');
    return {
      spec: {
        ...{ name, fieldId: number, nullable: !isRequired || mayMisfit || read.isNull === true, list: false },
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
