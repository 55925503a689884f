import type { ColumnSpec } from '../../columns/column-spec.js';
import { LakeportError } from '../../errors.js';
import type { ForeignKey, TableMetadata, UniqueKey } from '../../model/table-metadata.js';
import type { Source } from '../../sources/source.js';
import type { RunObserver } from '../model/observer.js';
import { columnSpecs, type TablePlan } from '../model/plan.js';

/**
 * Adds what the source declares about the tables, in place: a copy of each of thousands would take too much memory.
 * @throws LakeportError if the source is not reachable; that it does not tell is no reason to fail
 */
export async function addMetadata(
  tables: readonly TablePlan[],
  { source, observer }: { readonly source: Source; readonly observer: RunObserver },
): Promise<void> {
  const found = await source.readMetadata?.(tables).catch((thrown: unknown) => {
    const error = LakeportError.from(thrown);
    if (error.transient && error.exit === 'unreachable') throw error;
    const text = `Keys, comments and defaults are left out, as the database does not tell them: ${error.message}`;
    observer.message?.('warning', text, { event: 'metadata_not_read', code: error.code });
    return undefined;
  });
  tables.forEach((table, index) => {
    const metadata = found?.[index];
    if (metadata !== undefined) Object.assign(table, { metadata: metadataOfFiles(metadata, table) });
  });
}

/**
 * What is still true of the files: a key of which a column is left out, or has other values than the source, is none, and
 * a default would tell what a mask hides. Undefined if that is nothing.
 */
function metadataOfFiles(
  { comment, primaryKey, uniqueKeys = [], foreignKeys = [], columns = [] }: TableMetadata,
  table: Pick<TablePlan, 'columns' | 'added' | 'partitionedBy'>,
): TableMetadata | undefined {
  const files = new FileColumns(table);
  const primary = primaryKey !== undefined && files.keep(primaryKey.columns) ? primaryKey : undefined;
  // NULL stands for values that do not fit.
  const isStillPrimary = primary?.mayBeNull === true || primary?.columns.every((name) => !files.isNullable(name));
  const unique = [
    ...(primary === undefined || isStillPrimary === true ? [] : [primary]),
    ...uniqueKeys.filter((key) => files.keep(key.columns)),
  ];
  const foreign = foreignKeys.filter((key) => files.keep(key.columns));
  const byName = new Map(columns.map((column) => [column.name, column]));
  const known = files.names.flatMap((name) => {
    const column = byName.get(name);
    if (column === undefined) return [];
    const { default: expression, ...rest } = column;
    const isShown = expression !== undefined && !files.isMasked(name);
    return isShown || rest.comment !== undefined ? [{ ...rest, ...(isShown && { default: expression }) }] : [];
  });
  const kept = {
    ...(comment !== undefined && { comment }),
    ...(isStillPrimary === true && { primaryKey: primary }),
    ...(unique.length > 0 && { uniqueKeys: unique satisfies readonly UniqueKey[] }),
    ...(foreign.length > 0 && { foreignKeys: foreign satisfies readonly ForeignKey[] }),
    ...(known.length > 0 && { columns: known }),
  };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** The source's columns that files, or the names of their directories, have. */
class FileColumns {
  readonly #specs: ReadonlyMap<string, ColumnSpec>;
  readonly #ofDirectories: ReadonlySet<string>;

  constructor(table: Pick<TablePlan, 'columns' | 'added' | 'partitionedBy'>) {
    const own = columnSpecs(table).filter(({ added }) => added === undefined);
    this.#specs = new Map(own.map((spec) => [spec.name, spec]));
    const levels = (table.partitionedBy ?? []).filter(({ sourceType }) => sourceType !== undefined);
    this.#ofDirectories = new Set(levels.map(({ name }) => name));
  }

  get names(): readonly string[] {
    return [...this.#specs.keys(), ...this.#ofDirectories];
  }

  isMasked(name: string): boolean {
    return this.#specs.get(name)?.mask !== undefined;
  }

  /** In the files. */
  isNullable(name: string): boolean {
    return this.#specs.get(name)?.nullable === true;
  }

  /** Whether values that differ in the source, and only those, still do: hashes do, other masks do not. */
  keep(columns: readonly string[]): boolean {
    return columns.every((name) => {
      const spec = this.#specs.get(name);
      if (spec === undefined) return this.#ofDirectories.has(name);
      return spec.mask === undefined ? spec.fidelity !== 'lossy' : spec.mask === 'hash';
    });
  }
}
