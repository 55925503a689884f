import { datasetId } from '../../../model/dataset.js';
import type { Storage } from '../../../storage/storage.js';
import { directoryOf } from '../../../storage/path.js';
import { type DdlTable } from '../../ddl/map-table.js';
import { ddlText } from '../../ddl/statement.js';
import type { DdlDialect } from '../../model/ddl-dialect.js';
import type { StagedTable } from '../table-format.js';

/** A file of the table, as its manifest has it. */
export interface DdlFile {
  /** Relative to the table's directory. */
  readonly name: string;
  /** What its directories say, by level; absent without any. */
  readonly partition?: Readonly<Record<string, string | null>> | undefined;
}

/** The content of a table's file of statements. @param files all that the table has */
export function ddlBytes(
  dialect: DdlDialect,
  {
    table,
    files,
    storage,
  }: {
    readonly table: StagedTable;
    readonly files: readonly DdlFile[];
    readonly storage: Pick<Storage, 'place'>;
  },
): Uint8Array {
  return new TextEncoder().encode(ddlText(ddlTable(table, files, storage), dialect));
}

function ddlTable(
  { directory, origin }: StagedTable,
  files: readonly DdlFile[],
  storage: Pick<Storage, 'place'>,
): DdlTable {
  const { dataset, columns, metadata, partitionedBy = [] } = origin;
  const { schema, name } = datasetId(dataset);
  const commentOf = (column: string) => metadata?.columns?.find((one) => one.name === column)?.comment;
  const directories = new Map(
    files.flatMap(({ name: file, partition }) =>
      partition === undefined
        ? []
        : [[directoryOf(file), partitionedBy.map((level) => partition[level.name] ?? null)] as const],
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
