import type { ParquetType } from '../../columns/column-spec.js';
import { STRING } from '../../columns/parquet-types.js';
import { LakeportError } from '../../errors.js';
import { type TableId, tableName } from '../../model/table.js';
import type { ConstantColumn } from '../model/constant-column.js';
import type { ExportOptions } from '../model/options.js';
import type { AddedValue } from '../model/requested-data.js';

/** Field ids beyond those of any table's own columns, whatever is added to the table later. */
const FIRST_FIELD_ID = 1_000_001;

const INSTANT: ParquetType = { physical: 'INT64', logical: { kind: 'timestamp', unit: 'MICROS', utc: true } };

/**
 * The columns that the run adds to a table.
 * @param names of the table's own
 * @throws LakeportError if the table has one of the same name, in any case: readers that ignore it could not tell them apart
 */
export function addedColumns(
  table: TableId,
  names: readonly string[],
  options: Pick<ExportOptions, 'addedColumns' | 'runId' | 'startedAt'>,
): ConstantColumn[] {
  const { addedColumns: added = [] } = options;
  const taken = new Set(names.map((name) => name.toLowerCase()));
  return added.map(({ name, value }, index) => {
    if (taken.has(name.toLowerCase())) throw columnExists(table, name);
    taken.add(name.toLowerCase());
    return {
      spec: {
        name,
        fieldId: FIRST_FIELD_ID + index,
        nullable: false,
        list: false,
        type: value.kind === 'exported_at' ? INSTANT : STRING,
        sourceType: '',
        fidelity: 'exact',
        added: value.kind,
      },
      value: valueOf(value, table, options),
    };
  });
}

function valueOf(
  value: AddedValue,
  table: TableId,
  { runId, startedAt }: Pick<ExportOptions, 'runId' | 'startedAt'>,
): string {
  switch (value.kind) {
    case 'run_id':
      return runId;
    case 'exported_at':
      return String(startedAt.getTime() * 1000);
    case 'source_table':
      return tableName(table);
    case 'constant':
      return value.text;
    default:
      return value satisfies never;
  }
}

function columnExists(table: TableId, name: string): LakeportError {
  return new LakeportError({
    code: 'ADDED_COLUMN_EXISTS',
    message: `${tableName(table)} has a column ${name} already`,
    hint: 'Give the added column another name (--add-column), or leave the other one out (--exclude-columns)',
    context: { table: tableName(table), column: name },
  });
}
