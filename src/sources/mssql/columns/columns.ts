import { tableName } from '../../../model/table.js';
import { createColumnBuffers } from '../../../columns/column-buffers.js';
import { LakeportError } from '../../../errors.js';
import { ALL_COLUMNS } from '../../column-choice.js';
import type { DescribedDataset, DescribeOptions, PinOptions, ReadColumn } from '../../source.js';
import { readAttributes, type Attribute } from './column-catalog.js';
import type { CatalogTable } from '../catalog.js';
import { columnsDenied, encrypted, hashRefused, notReadable, tableNotFound } from './column-errors.js';
import type { MssqlClient } from '../connection/client.js';
import { bindField } from '../decode/decoders.js';
import { errorNumber, mssqlError } from '../errors.js';
import { nameText, quoteName, quoteTable } from '../identifiers.js';
import { answerProbe, answerProbes, type Probe, PROBE_BATCH } from '../probes.js';
import { checkConditions, readQueryAttributes, refuseRows } from '../rows/requested-rows.js';
import { mssqlRows } from '../partitioning/dialect.js';
import { readTextStyles } from '../connection/server.js';
import { declaredTypeOf, type WireType } from '../tds/wire-type.js';
import { displayType } from './type-names.js';
import { maskedMapping } from './masks.js';
import { mapType, type MappingOptions, type MssqlType, type TypeMapping } from './types.js';
import { textForm } from './text-forms.js';
import { convertedMapping } from './conversions.js';
import { type ColumnTreatment, maskIsText } from '../../column-treatment.js';

/** Columns of each table, in the order of the tables, or the error that makes a table unreadable. */
export async function describeColumns(
  client: MssqlClient,
  tables: readonly CatalogTable[],
  options: DescribeOptions & Pick<PinOptions, 'columnChoice'>,
): Promise<(DescribedDataset | LakeportError)[]> {
  const attributes = await readAttributes(
    client,
    tables.filter(({ kind }) => kind !== 'query'),
  );
  const { timestampUnit = 'us', compat } = options;
  const makesText =
    options.treatments !== undefined || attributes.some((table) => table.some(({ type }) => type === 'sql_variant'));
  const styles = makesText ? await readTextStyles(client) : { allDigits: true, hexadecimal: true };
  const tableOptions = { ...options, mapping: { timestampUnit, compat, styles } };
  const described: (DescribedDataset | LakeportError)[] = [];
  for (let at = 0; at < tables.length; at += PROBE_BATCH) {
    const batch = tables.slice(at, at + PROBE_BATCH);
    const chosen: (ChosenTable | LakeportError)[] = [];
    for (const table of batch) {
      const known = table.dataset.kind === 'query' ? undefined : attributes.shift();
      chosen.push(await unlessFailed(table, () => chooseColumns(client, table, known, tableOptions)));
    }
    const probes = chosen.flatMap((one) => (one instanceof LakeportError ? [] : [one.probe]));
    const answers = await answerProbes(client, probes);
    for (const one of chosen) {
      if (one instanceof LakeportError) described.push(one);
      else {
        const { table, probe } = one;
        const answer = answers.get(probe);
        described.push(await unlessFailed(table, () => describeChosen(client, { ...one, answer }, tableOptions)));
      }
    }
  }
  return described;
}

/** What a step gives, or the error that makes the table unreadable. @throws what is not the table's fault */
async function unlessFailed<T>(table: CatalogTable, step: () => Promise<T>): Promise<T | LakeportError> {
  try {
    return await step();
  } catch (error) {
    // A lost connection is not the table's fault.
    if (!(error instanceof LakeportError) && errorNumber(error) === undefined) throw error;
    return hashRefused(error, table) ?? mssqlError(error, { table: table.id });
  }
}

interface TableOptions extends DescribeOptions, Pick<PinOptions, 'columnChoice'> {
  readonly mapping: MappingOptions;
}

/** A table whose columns are to be described. */
interface ChosenTable {
  readonly table: CatalogTable;
  readonly wanted: readonly Attribute[];
  /** As the catalog describes the columns that are wanted. */
  readonly planned: ReadColumn[];
  readonly probe: Probe;
}

/** @param known the columns of the catalog; undefined for a query */
async function chooseColumns(
  client: MssqlClient,
  table: CatalogTable,
  known: readonly Attribute[] | undefined,
  options: TableOptions,
): Promise<ChosenTable> {
  const { dataset, id } = table;
  const listed = dataset.kind === 'query' ? await readQueryAttributes(client, dataset) : (known ?? []);
  if (listed.length === 0) throw tableNotFound(tableName(id));
  const { columnChoice = ALL_COLUMNS } = options;
  const taken = columnChoice.take(
    id,
    listed.map(({ name }) => name),
  );
  refuseRows(table);
  return { table, ...plannedColumns(table, { wanted: listed.filter(({ name }) => taken.has(name)), options }) };
}

function plannedColumns(
  table: CatalogTable,
  { wanted, options }: { readonly wanted: readonly Attribute[]; readonly options: TableOptions },
): Omit<ChosenTable, 'table'> {
  for (const attribute of wanted) if (attribute.isEncrypted === true) throw encrypted(attribute);
  const planned = wanted.map((attribute) => describeColumn(attribute, table, options));
  return { wanted, planned, probe: probeOf(table, planned) };
}

/**
 * The columns that are chosen, and which of them the user may not read.
 * @param chosen.answer undefined if the table is to be asked alone
 */
async function describeChosen(
  client: MssqlClient,
  { table, wanted, planned, probe, answer }: ChosenTable & { readonly answer: readonly WireType[] | undefined },
  options: TableOptions,
): Promise<DescribedDataset> {
  const { columnChoice = ALL_COLUMNS } = options;
  // The answer is that of the conditions too.
  if (answer === undefined) await checkConditions(client, table);
  try {
    return { columns: await describeTable(client, { table, wanted, planned, probe, answer }, options) };
  } catch (thrown) {
    if (errorNumber(thrown) !== COLUMN_DENIED) throw thrown;
    const unreadable = await readDeniedColumns(client, table);
    const denied = wanted.map(({ name }) => name).filter((name) => unreadable.has(name));
    if (denied.length === 0) throw thrown;
    if (!columnChoice.skipsUnreadable || denied.length === wanted.length) throw columnsDenied(table, denied, thrown);
    const readable = plannedColumns(table, { wanted: wanted.filter(({ name }) => !unreadable.has(name)), options });
    return {
      columns: await describeTable(client, { table, ...readable, answer: undefined }, options),
      unreadable: denied,
    };
  }
}

/** "The SELECT permission was denied on the column …" */
const COLUMN_DENIED = 230;

/** Names of the table's columns that this user may not read. */
async function readDeniedColumns(client: MssqlClient, { id }: CatalogTable): Promise<ReadonlySet<string>> {
  const rows = await client.query(
    `SELECT ${nameText('c.name')} FROM sys.columns AS c
     WHERE c.object_id = OBJECT_ID(@table) AND HAS_PERMS_BY_NAME(@table, 'OBJECT', 'SELECT', c.name, 'COLUMN') = 0`,
    { table: quoteTable(id) },
  );
  return new Set(rows.map(([name]) => String(name)));
}

/**
 * Compares the planned columns with those that the server declares in a result. Where catalog and result disagree (scales
 * that the catalog cannot hold, views over changed tables), the result counts.
 */
async function describeTable(
  client: MssqlClient,
  { table, wanted, planned, probe, answer }: ChosenTable & { readonly answer: readonly WireType[] | undefined },
  options: TableOptions,
): Promise<ReadColumn[]> {
  const answered = answer ?? (await answerProbe(client, probe));
  const fits = planned.map((column, i) => isReadable(column, answered[i]));
  if (!fits.includes(false)) return planned;
  const columns = planned.map((column, i) => {
    const [attribute, wire] = [wanted[i], answered[i]];
    if (fits[i] === true || attribute === undefined || wire === undefined) return column;
    return byAnswer(column, attribute, wire, { table, options });
  });
  // The type of the result may need a conversion that the catalog's type did not.
  const checked = await answerProbe(client, probeOf(table, columns));
  columns.forEach((column, i) => {
    const wire = checked[i];
    if (!isReadable(column, wire)) throw notReadable(column.spec, wire);
  });
  return columns;
}

function describeColumn(
  attribute: Attribute,
  { id, kind }: CatalogTable,
  { onUnrepresentable, mapping, treatments }: TableOptions,
): ReadColumn {
  const { name, number, type: typeName, precision, scale, isAssembly } = attribute;
  const source = { name: typeName, precision, scale, isAssembly };
  const sourceType = displayType(attribute);
  const treatment = treatments?.of(id, name) ?? {};
  const { type, decoder, fidelity, expression, partial, mask } = treatedMapping({ name, sourceType }, source, {
    treatment,
    options: mapping,
  });
  const isNull = treatment.mask?.method === 'null';
  // A view's nullability is as old as its last refresh.
  const nullable = attribute.nullable || isNull || kind === 'view' || (partial && onUnrepresentable === 'null');
  return {
    spec: {
      ...{ name, fieldId: number, nullable, list: false, type, sourceType, fidelity },
      ...(mask !== undefined && { mask }),
      ...(treatment.isTextByValues === true && { isTextByValues: true }),
    },
    expression: expression(quoteName(name)),
    decoder,
  };
}

/** How the column is read: by its own type, or as its treatment says. @throws LakeportError if that is impossible */
function treatedMapping(
  column: { readonly name: string; readonly sourceType: string },
  source: MssqlType,
  { treatment, options }: { readonly treatment: ColumnTreatment; readonly options: MappingOptions },
): TypeMapping & { readonly mask?: string } {
  const { mask, type: wanted } = treatment;
  const own = mapType(source, options);
  if (mask !== undefined && mask.method !== 'null' && wanted !== undefined && wanted.as !== 'text') {
    throw maskIsText(column, wanted);
  }
  const mapping = wanted === undefined ? own : convertedMapping(wanted, { column, source, own, options });
  if (mask === undefined) return mapping;
  const { name } = source;
  const quoted = quoteName(column.name);
  const text = name === 'sql_variant' ? own.expression(quoted) : textForm(name, quoted, options.styles);
  return maskedMapping(mapping, mask, text);
}

function probeOf({ dataset }: CatalogTable, columns: readonly ReadColumn[]): Probe {
  return { rows: mssqlRows(dataset), list: columns.map(({ expression }) => expression) };
}

function isReadable({ spec, decoder }: ReadColumn, wire: WireType | undefined): boolean {
  if (wire === undefined) throw new TypeError('the result has too few columns');
  const [buffer] = createColumnBuffers([spec], { rowGroupRows: 1 });
  return buffer !== undefined && bindField(decoder, buffer, wire) !== undefined;
}

/** The column as its values arrive. @throws LakeportError if they cannot be read */
function byAnswer(
  column: ReadColumn,
  attribute: Attribute,
  wire: WireType,
  { table, options }: { readonly table: CatalogTable; readonly options: TableOptions },
): ReadColumn {
  const declared = declaredTypeOf(wire);
  if (declared === undefined) throw notReadable(column.spec, wire);
  if (column.expression !== quoteName(column.spec.name)) {
    // A conversion that returns another kind of text than requested.
    const decoder = TEXT_DECODERS[declared.name];
    if (column.decoder.kind === 'binary' || decoder === undefined) throw notReadable(column.spec, wire);
    return { ...column, decoder: { kind: decoder } };
  }
  // Unexpected bytes may be anything, ciphertext included.
  if (BYTES.has(declared.name) && !BYTES.has(attribute.type)) throw notReadable(column.spec, wire);
  const { name: type, precision, scale, maxLength } = declared;
  const arriving = { ...attribute, type, userType: undefined, isAssembly: false, precision, scale, maxLength };
  return describeColumn(arriving, table, options);
}

const TEXT_DECODERS: Readonly<Record<string, string>> = {
  char: 'varchar',
  varchar: 'varchar',
  nchar: 'nvarchar',
  nvarchar: 'nvarchar',
};
const BYTES = new Set(['binary', 'varbinary', 'image', 'timestamp', 'rowversion']);
