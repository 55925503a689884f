import { datasetId } from '../../../model/dataset.js';
import type { Storage } from '../../../storage/storage.js';
import { directoryOf } from '../../../storage/path.js';
import { type DdlTable } from '../../ddl/map-table.js';
import { ddlText } from '../../ddl/statement.js';
import type { DdlDialect } from '../../model/ddl-dialect.js';
import type { StagedTable } from '../table-format.js';

/** The content of a table's file of statements. @param names of its files, relative to its directory */
export function ddlBytes(
  dialect: DdlDialect,
  {
    table,
    names,
    storage,
  }: {
    readonly table: StagedTable;
    readonly names: readonly string[];
    readonly storage: Pick<Storage, 'place'>;
  },
): Uint8Array {
  return new TextEncoder().encode(ddlText(ddlTable(table, names, storage), dialect));
}

function ddlTable(
  { directory, files, origin }: StagedTable,
  names: readonly string[],
  storage: Pick<Storage, 'place'>,
): DdlTable {
  const { dataset, columns, metadata, partitionedBy = [] } = origin;
  const { schema, name } = datasetId(dataset);
  const commentOf = (column: string) => metadata?.columns?.find((one) => one.name === column)?.comment;
  const directories = new Map(
    files.flatMap(({ slice: { levels } }, index) =>
      levels === undefined ? [] : [[directoryOf(names[index] ?? ''), levels.map(({ value }) => value)] as const],
    ),
  );
  return {
    schema,
    name,
    comment: metadata?.comment,
    primaryKey: metadata?.primaryKey?.columns,
    columns: columns.map((spec) => ({ spec, comment: spec.added === undefined ? commentOf(spec.name) : undefined })),
    partitions: partitionedBy.map(({ name: level, type }) => ({
      name: level,
      type,
      comment: type === undefined ? undefined : commentOf(level),
    })),
    directories: Array.from(directories, ([path, values]) => ({ path, values })),
    place: storage.place(directory),
  };
}
