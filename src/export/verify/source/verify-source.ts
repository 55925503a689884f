import { LakeportError } from '../../../errors.js';
import { COMPATS } from '../../../columns/compat.js';
import { parquetTypeName } from '../../../columns/type-name.js';
import type { Dataset } from '../../../model/dataset.js';
import type { Mask } from '../../../model/mask.js';
import { type TableId, tableKey } from '../../../model/table.js';
import { type ColumnDigest, mergeDigests } from '../../../parquet-reader/column-digest.js';
import type { LeafColumn } from '../../../parquet-reader/footer.js';
import type { ColumnTreatment, ColumnTreatments } from '../../../sources/column-treatment.js';
import type { SourceChange } from '../../../sources/column-totals.js';
import type { ColumnChoice } from '../../../sources/column-choice.js';
import type { DescribedDataset, ReadColumn, Source, SourceTable } from '../../../sources/source.js';
import type { DescribedColumn, DescribedOrigin } from '../../formats/table-format.js';
import type { Check, Difference } from '../difference.js';
import type { DigestedFile } from '../verify-file.js';
import { compareColumn } from './compare-column.js';
import { wantedTypeOf } from './wanted-type.js';

/** A published table whose values have been digested. */
export interface DigestedTable {
  readonly schema: string | undefined;
  readonly name: string;
  /** For messages. */
  readonly path: string;
  readonly rows: number;
  readonly columns: readonly DescribedColumn[];
  readonly origin: DescribedOrigin;
  readonly files: readonly DigestedFile[];
}

export interface SourceComparison {
  readonly differences: readonly Difference[];
  /** Why the table was not compared; undefined if it was. */
  readonly notCompared: string | undefined;
  /** Columns whose values were compared. */
  readonly compared: number;
  /** Columns of which only NULLs were compared, and why. */
  readonly countsOnly: readonly { readonly column: string; readonly reason: string }[];
  readonly notes: readonly string[];
  /** If the table differs: whether it has been written to since the export. */
  readonly change: SourceChange | undefined;
}

export interface SourceOptions {
  readonly source: Source;
  /** Reads a mask as a manifest has it. */
  readonly maskNamed: (text: string) => Mask | undefined;
  /** Whether the salt of the mask `hash` is that of the export. */
  readonly hasSalt: boolean;
  readonly signal: AbortSignal;
  readonly onTable: (done: number, of: number) => void;
}

/**
 * Compares tables with the database that they were exported from, in one snapshot where it has any.
 * @returns in the order of `tables`
 * @throws LakeportError if the database cannot be reached
 */
export async function verifySource(
  tables: readonly DigestedTable[],
  options: SourceOptions,
): Promise<SourceComparison[]> {
  const { source, signal, onTable } = options;
  const listed = new Map((await source.listTables()).map((table) => [tableKey(table.id), table]));
  const found = tables.map((table) => sourceTable(table, listed));
  signal.throwIfAborted();
  const present = found.flatMap((table) => table ?? []);
  const { problems } = await source.pin(present, { consistency: 'auto', columnChoice: choiceOf(tables) });
  const failed = new Map(problems.map(({ id, error }) => [tableKey(id), error]));
  const comparisons: SourceComparison[] = [];
  for (const [index, table] of tables.entries()) {
    signal.throwIfAborted();
    onTable(index, tables.length);
    const there = found[index];
    const problem = there && failed.get(tableKey(there.id));
    if (there === undefined)
      comparisons.push(gone(table, 'none: it was dropped or renamed, or this user may not see it'));
    else if (problem !== undefined) comparisons.push(gone(table, problem.message));
    else comparisons.push(await unlessFailed(table, () => compareTable({ ...table, source: there }, options)));
  }
  return comparisons;
}

/** The columns that the files have. */
function choiceOf(tables: readonly DigestedTable[]): ColumnChoice {
  const wanted = new Map(
    tables.map(({ schema = '', name, columns }) => [
      tableKey({ schema, name }),
      new Set(columns.map((one) => one.name)),
    ]),
  );
  return {
    take: (id, names) => new Set(names.filter((name) => wanted.get(tableKey(id))?.has(name) === true)),
    skipsUnreadable: false,
  };
}

const NOTHING = { differences: [], notCompared: undefined, compared: 0, countsOnly: [], notes: [], change: undefined };

/** For a table that is left out. */
export function notCompared(reason: string): SourceComparison {
  return { ...NOTHING, notCompared: reason };
}

/** An error of one table is a difference of it; the others are still compared. */
async function unlessFailed(table: DigestedTable, compare: () => Promise<SourceComparison>): Promise<SourceComparison> {
  try {
    return await compare();
  } catch (thrown) {
    const error = LakeportError.from(thrown);
    if (error.exit === 'unreachable' || error.exit === 'interrupted') throw error;
    return gone(table, error.message);
  }
}

function gone({ path }: DigestedTable, found: string): SourceComparison {
  return { ...NOTHING, differences: [{ check: 'source', path, expected: 'the table in the database', found }] };
}

function datasetOf({ schema = '', name, columns, origin }: DigestedTable): Dataset {
  const id = { schema, name };
  const { query: sql, predicates } = origin;
  const part = {
    columns: columns.filter(({ isAdded }) => !isAdded).map((column) => column.name),
    ...(predicates.length > 0 && { predicates }),
  };
  return sql === undefined ? { kind: 'table', id, ...part } : { kind: 'query', id, sql, ...part };
}

function sourceTable(table: DigestedTable, listed: ReadonlyMap<string, SourceTable>): SourceTable | undefined {
  const dataset = datasetOf(table);
  if (dataset.kind === 'query') {
    return { dataset, id: dataset.id, kind: 'query', estimatedRows: undefined, estimatedBytes: undefined };
  }
  const found = listed.get(tableKey(dataset.id));
  return found && { ...found, dataset };
}

type Compared = Omit<DigestedTable, 'origin'> & Pick<DigestedTable, 'origin'> & { readonly source: SourceTable };

async function compareTable(table: Compared, options: SourceOptions): Promise<SourceComparison> {
  const { source } = options;
  if (table.origin.isSynced) return notCompared('its files are those of several syncs, each as the table was then');
  if (source.totals === undefined) return notCompared(`lakeport cannot compare with ${source.server.product}`);
  const differences: Difference[] = [];
  const compare = (check: Check, expected: string | number, found: string | number) => {
    if (expected !== found) differences.push({ check, path: table.path, expected, found });
  };
  const described = await describeAsExported(table, options);
  const notes: string[] = [];
  const countsOnly: { column: string; reason: string }[] = [];
  const wanted = table.columns.filter(({ isAdded }) => !isAdded);
  for (const { name } of wanted) {
    if (!described.names.includes(name))
      compare('source', `${name}: none: it was dropped or renamed`, `${name}: a column`);
  }
  const isNew = (name: string) => !wanted.some((column) => column.name === name) && !table.origin.levels.includes(name);
  const others = described.names.filter(isNew);
  if (others.length > 0) notes.push(`columns that the files do not have: ${others.join(', ')}`);
  const { levels } = table.origin;
  if (levels.length > 0) notes.push(`not compared, as names of directories say their values: ${levels.join(', ')}`);
  const pairs = described.columns.flatMap((column) => {
    const expected = wanted.find(({ name }) => name === column.spec.name);
    return expected === undefined ? [] : [{ column, expected }];
  });
  const totals = await source.totals(
    table.source,
    pairs.map(({ column }) => column),
  );
  compare('source_rows', totals.rows, table.rows);
  let compared = 0;
  for (const [index, { column, expected }] of pairs.entries()) {
    const { name } = expected;
    const found = totals.columns[index];
    const digested = digestOf(table.files, name);
    if (found === undefined) continue;
    if (digested === undefined) {
      countsOnly.push({ column: name, reason: 'its pages cannot be decoded' });
      continue;
    }
    const reason = described.countsOnly.get(name);
    const isNull = expected.mask === 'null';
    const known = {
      ...found,
      ...(reason !== undefined && { hash: undefined }),
      ...(isNull && { hash: 0n, nulls: totals.rows }),
    };
    const { unrepresentable } = expected;
    const isList = column.spec.list;
    const comparison = compareColumn({ ...digested, isList, totals: known, unrepresentable });
    for (const { check, expected: there, found: here } of comparison.differences) {
      compare(check, `${name}: ${there}`, `${name}: ${here}`);
    }
    if (comparison.countsOnly === undefined) compared++;
    else countsOnly.push({ column: name, reason: reason ?? comparison.countsOnly });
  }
  const change = differences.length === 0 ? undefined : await changeOf(table, options);
  return { differences, notCompared: undefined, compared, countsOnly, notes, change };
}

async function changeOf({ source: table, origin }: Compared, { source }: SourceOptions): Promise<SourceChange> {
  const { snapshot, takenAt } = origin.seen;
  if (takenAt === undefined || source.changeSince === undefined) {
    return { kind: 'unknown', reason: 'the manifest does not say when the export saw it' };
  }
  return source.changeSince(table, { snapshot, takenAt }).catch((thrown: unknown): SourceChange => {
    return { kind: 'unknown', reason: LakeportError.from(thrown).message };
  });
}

interface AsExported {
  readonly columns: readonly ReadColumn[];
  /** All of the table. */
  readonly names: readonly string[];
  /** By column: why its values cannot be compared. */
  readonly countsOnly: ReadonlyMap<string, string>;
}

/**
 * Columns as the export has read them: masked, and by the types of the manifest. Where these are not the source's own,
 * each is asked for as a type that users can choose.
 */
async function describeAsExported(table: Compared, options: SourceOptions): Promise<AsExported> {
  const countsOnly = new Map<string, string>();
  const treatments = new Map<string, ColumnTreatment>();
  for (const { name, mask: text, isTextByValues } of table.columns) {
    const mask = text === undefined ? undefined : options.maskNamed(text);
    const cannotMask = text !== undefined && (mask === undefined || (mask.method === 'hash' && !options.hasSalt));
    if (cannotMask) countsOnly.set(name, `its mask ${text} needs the salt of the export`);
    if (isTextByValues || cannotMask)
      treatments.set(name, { type: { as: 'text' }, mask: cannotMask ? undefined : mask, isTextByValues });
    else if (mask !== undefined) treatments.set(name, { mask });
  }
  const first = await describe(table, { options, treatments });
  const typeOf = new Map(table.columns.map(({ name, type }) => [name, type]));
  const other = first.columns.filter(
    ({ spec }) => parquetTypeName(spec) !== typeOf.get(spec.name) && !countsOnly.has(spec.name),
  );
  for (const { spec } of other) {
    const wanted = wantedTypeOf(typeOf.get(spec.name) ?? '');
    const { mask } = treatments.get(spec.name) ?? {};
    if (wanted !== undefined && spec.mask === undefined) treatments.set(spec.name, { type: wanted, mask });
  }
  if (other.length === 0) return { ...first, countsOnly };
  const second = await describe(table, { options, treatments }).catch((thrown: unknown) => {
    if (LakeportError.from(thrown).exit === 'unreachable') throw thrown;
    // A type that has changed since cannot be written as the one that it was.
    return first;
  });
  for (const { spec } of second.columns) {
    const [now, then] = [parquetTypeName(spec), typeOf.get(spec.name)];
    if (now === then || countsOnly.has(spec.name)) continue;
    countsOnly.set(spec.name, `it is read as ${now} now, and was written as ${then ?? 'nothing'}`);
  }
  return { ...second, countsOnly };
}

async function describe(
  { source: table, columns, origin }: Compared,
  {
    options,
    treatments,
  }: { readonly options: SourceOptions; readonly treatments: ReadonlyMap<string, ColumnTreatment> },
): Promise<Omit<AsExported, 'countsOnly'>> {
  const wanted = new Set(columns.filter(({ isAdded }) => !isAdded).map(({ name }) => name));
  let names: readonly string[] = [];
  const columnChoice: ColumnChoice = {
    take: (_: TableId, found: readonly string[]) => {
      names = found;
      const left = found.filter((name) => wanted.has(name));
      if (left.length > 0) return new Set(left);
      throw new LakeportError({ code: 'COLUMN_NOT_FOUND', message: 'The table has none of the columns of the files' });
    },
    skipsUnreadable: false,
  };
  const asked: ColumnTreatments = { of: (_, column) => treatments.get(column) };
  const [described] = await options.source.describe([table], {
    unboundedNumeric: { as: 'text' },
    onUnrepresentable: 'null',
    compat: COMPATS.find((compat) => compat === origin.compat),
    treatments: asked,
    columnChoice,
  });
  if (described === undefined || 'error' in described) throw described?.error ?? new TypeError('No description');
  return { columns: (described satisfies DescribedDataset).columns, names };
}

/** Of all files; undefined if one of them cannot be decoded. */
function digestOf(
  files: readonly DigestedFile[],
  name: string,
): { readonly element: LeafColumn['element']; readonly digest: ColumnDigest } | undefined {
  let digest: ColumnDigest | undefined;
  let element: LeafColumn['element'] | undefined;
  for (const { footer, digests } of files) {
    const leaf = footer.columns.findIndex(({ path }) => path[0] === name);
    const [column, one] = [footer.columns[leaf], digests[leaf]];
    if (column === undefined || one === undefined) return undefined;
    element = column.element;
    digest = digest === undefined ? one : mergeDigests(element, digest, one);
  }
  return element === undefined || digest === undefined ? undefined : { element, digest };
}
