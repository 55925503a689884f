import type { ColumnSpec } from '../../columns/column-spec.js';
import { STRING } from '../../columns/parquet-types.js';
import { LakeportError } from '../../errors.js';
import { tableName } from '../../model/table.js';
import type { MergeableTable } from '../formats/table-format.js';
import type { Part } from './parts.js';

/** The columns of merged files, and those that rows are compared by. */
export interface MergePlan {
  readonly columns: readonly ColumnSpec[];
  readonly key: readonly ColumnSpec[];
  readonly cursor: ColumnSpec | undefined;
  /** What the footers say of the table, besides what the writer itself does. */
  readonly footer: Readonly<Record<string, string>>;
}

/** What the writer says itself, of the columns that it writes. */
const OWN_PAIRS = ['lakeport.source_types', 'lakeport.fidelity'];

/**
 * @param parts in the order of their syncs
 * @throws LakeportError `COMPACT_NO_KEY` if rows cannot be told apart
 */
export function planMerge(table: MergeableTable, parts: readonly Part[]): MergePlan {
  const latest = [...parts].sort((a, b) => b.source.sync - a.source.sync);
  const ids = fieldIds(table, latest);
  const columns = table.columns.map((column) => ({
    ...column,
    fieldId: ids.get(column.name) ?? 0,
    // A column that earlier files lack is NULL there.
    nullable: column.nullable || parts.some((part) => part.isNullable(column.name)),
  }));
  const cursor = columns.find(({ name, list }) => name === table.cursor.column && !list);
  const pairs = latest[0]?.footer.keyValues.filter(({ key }) => !OWN_PAIRS.includes(key)) ?? [];
  return {
    columns,
    key: keyColumns(table, columns),
    cursor,
    footer: Object.fromEntries(pairs.map(({ key, value }) => [key, value])),
  };
}

/** As the latest file has them that has the column. */
function fieldIds({ columns }: MergeableTable, latest: readonly Part[]): ReadonlyMap<string, number> {
  return new Map(
    columns.flatMap(({ name }) => {
      const id = latest.map((part) => part.fieldId(name)).find((each) => each !== undefined);
      return id === undefined ? [] : [[name, id] as const];
    }),
  );
}

/**
 * Of a column that the names of directories say, the key is that text.
 * @throws LakeportError `COMPACT_NO_KEY` if there is none
 */
function keyColumns(
  { schema = '', name: table, key = [], levels }: MergeableTable,
  columns: readonly ColumnSpec[],
): ColumnSpec[] {
  const id = tableName({ schema, name: table });
  if (key.length === 0) throw noKey(id, 'has no key by which rows of several syncs could be merged');
  return key.map((name) => {
    const column = columns.find((one) => one.name === name);
    if (column?.list === true) throw noKey(id, `has the array ${name} in its key, by which rows cannot be merged`);
    if (column !== undefined) return { ...column, nullable: true, bloomFilter: undefined };
    if (!levels.includes(name)) throw noKey(id, `has the key column ${name}, which is not in its files`);
    return { name, fieldId: 0, nullable: true, list: false, type: STRING, sourceType: '', fidelity: 'exact' };
  });
}

function noKey(table: string, problem: string): LakeportError {
  return new LakeportError({
    code: 'COMPACT_NO_KEY',
    message: `${table} ${problem}`,
    hint: 'Give the table a primary key in the source, with all its columns among those that are exported, or use --strategy append without --compact-every.',
    context: { table },
  });
}
