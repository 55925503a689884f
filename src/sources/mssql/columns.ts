import { tableName } from '../../model/table.js';
import { createColumnBuffers } from '../../columns/column-buffers.js';
import { LakeportError } from '../../errors.js';
import { fromClause } from '../row-set.js';
import { ALL_COLUMNS } from '../column-choice.js';
import type { DescribedDataset, DescribeOptions, PinOptions, ReadColumn } from '../source.js';
import { readAttributes, type Attribute } from './column-catalog.js';
import type { CatalogTable } from './catalog.js';
import type { MssqlClient } from './client.js';
import { bindField } from './decode/decoders.js';
import { errorNumber, mssqlError } from './errors.js';
import { nameText, quoteName, quoteTable } from './identifiers.js';
import { checkRows, readQueryAttributes } from './requested-rows.js';
import { mssqlRows } from './partitioning/dialect.js';
import { readTextStyles } from './server.js';
import { declaredTypeOf, displayWireType, type WireType } from './tds/wire-type.js';
import { maskedMapping, maskParameters } from './masks.js';
import { mapType, type MappingOptions, type MssqlType, type TypeMapping } from './types.js';
import { textForm } from './text-forms.js';
import { convertedMapping } from './conversions.js';
import { type ColumnTreatment, maskIsText } from '../column-treatment.js';

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
  const mapping = { timestampUnit, compat, styles };
  const described: (DescribedDataset | LakeportError)[] = [];
  for (const table of tables) {
    const { dataset } = table;
    const known = dataset.kind === 'query' ? undefined : attributes.shift();
    try {
      const listed = dataset.kind === 'query' ? await readQueryAttributes(client, dataset) : (known ?? []);
      described.push(await describeDataset(client, table, listed, { ...options, mapping }));
    } catch (error) {
      // A lost connection is not the table's fault.
      if (!(error instanceof LakeportError) && errorNumber(error) === undefined) throw error;
      described.push(hashRefused(error, table) ?? mssqlError(error, { table: table.id }));
    }
  }
  return described;
}

/** `Invalid collation`: the server has none in UTF-8. */
const NO_COLLATION = 448;

/** The error of a server whose text cannot be hashed in UTF-8. */
function hashRefused(error: unknown, { id }: CatalogTable): LakeportError | undefined {
  if (errorNumber(error) !== NO_COLLATION) return undefined;
  return new LakeportError({
    code: 'MASK_NOT_SUPPORTED',
    message: 'The mask hash needs SQL Server 2019 or later, whose text has a form in UTF-8',
    hint: 'Use another mask for the columns of this table: null, redact or partial',
    context: { table: tableName(id) },
    cause: error,
  });
}

interface TableOptions extends DescribeOptions, Pick<PinOptions, 'columnChoice'> {
  readonly mapping: MappingOptions;
}

/** The columns that are chosen, and which of them the user may not read. */
async function describeDataset(
  client: MssqlClient,
  table: CatalogTable,
  listed: readonly Attribute[],
  options: TableOptions,
): Promise<DescribedDataset> {
  if (listed.length === 0) throw tableNotFound(tableName(table.id));
  const { columnChoice = ALL_COLUMNS } = options;
  const taken = columnChoice.take(
    table.id,
    listed.map(({ name }) => name),
  );
  const wanted = listed.filter(({ name }) => taken.has(name));
  await checkRows(client, table);
  try {
    return { columns: await describeTable(client, table, wanted, options) };
  } catch (thrown) {
    if (errorNumber(thrown) !== COLUMN_DENIED) throw thrown;
    const unreadable = await readDeniedColumns(client, table);
    const denied = wanted.map(({ name }) => name).filter((name) => unreadable.has(name));
    if (denied.length === 0) throw thrown;
    if (!columnChoice.skipsUnreadable || denied.length === wanted.length) throw columnsDenied(table, denied, thrown);
    const readable = wanted.filter(({ name }) => !unreadable.has(name));
    return { columns: await describeTable(client, table, readable, options), unreadable: denied };
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

function columnsDenied({ id }: CatalogTable, columns: readonly string[], cause: unknown): LakeportError {
  const many = columns.length !== 1;
  return new LakeportError({
    code: 'TABLE_PERMISSION_DENIED',
    message: `Permission denied for ${many ? 'columns' : 'column'} ${columns.join(', ')}`,
    hint: `GRANT SELECT ON ${quoteTable(id)} (${columns.map(quoteName).join(', ')}) TO this user, or leave ${many ? 'them' : 'it'} out with --skip-unreadable-columns or --exclude-columns`,
    context: { table: tableName(id) },
    cause,
  });
}

/**
 * Selects all columns and no rows, as the readers will select all rows: missing permissions and impossible conversions
 * show up now. Where catalog and result disagree (scales that the catalog cannot hold, views over changed tables), the
 * result counts.
 */
async function describeTable(
  client: MssqlClient,
  table: CatalogTable,
  attributes: readonly Attribute[],
  options: TableOptions,
): Promise<ReadColumn[]> {
  for (const attribute of attributes) if (attribute.isEncrypted === true) throw encrypted(attribute);
  const planned = attributes.map((attribute) => describeColumn(attribute, table, options));
  const answered = await probe(client, table, planned);
  const fits = planned.map((column, i) => isReadable(column, answered[i]));
  if (!fits.includes(false)) return planned;
  const columns = planned.map((column, i) => {
    const [attribute, wire] = [attributes[i], answered[i]];
    if (fits[i] === true || attribute === undefined || wire === undefined) return column;
    return byAnswer(column, attribute, wire, { table, options });
  });
  // The type of the result may need a conversion that the catalog's type did not.
  const checked = await probe(client, table, columns);
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

/** Types of the columns as the server declares them in a result. */
function probe(client: MssqlClient, { dataset }: CatalogTable, columns: readonly ReadColumn[]): Promise<WireType[]> {
  const list = columns.map(({ expression }) => expression).join(', ');
  const rows = mssqlRows(dataset);
  const statement = `${rows.prefix}SELECT TOP (0) ${list} ${fromClause(rows)}`;
  // No row needs the salt.
  return client.describe(statement, maskParameters(statement, ''));
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

const SIZED = new Set(['char', 'varchar', 'binary', 'varbinary']);
const WIDE = new Set(['nchar', 'nvarchar']);
const SCALED = new Set(['time', 'datetime2', 'datetimeoffset']);

/** As in CREATE TABLE; an alias type with its base type. */
function displayType(attribute: Attribute): string {
  const { type, userType, isAssembly } = attribute;
  if (userType === undefined) return declared(attribute);
  return isAssembly || type === userType ? userType : `${userType} (${declared(attribute)})`;
}

function declared({ type, maxLength, precision, scale }: Attribute): string {
  if (SIZED.has(type)) return `${type}(${maxLength < 0 ? 'max' : maxLength})`;
  if (WIDE.has(type)) return `${type}(${maxLength < 0 ? 'max' : maxLength / 2})`;
  if (SCALED.has(type)) return `${type}(${scale})`;
  return type === 'decimal' || type === 'numeric' ? `${type}(${precision},${scale})` : type;
}

function tableNotFound(table: string): LakeportError {
  return new LakeportError({
    code: 'TABLE_NOT_FOUND',
    message: 'The table does not exist, or has no column that this user can see',
    hint: 'It was dropped or renamed in the meantime; run again',
    context: { table },
  });
}

function encrypted(attribute: Attribute): LakeportError {
  const { name } = attribute;
  return new LakeportError({
    code: 'TYPE_NOT_READABLE',
    message: `Column ${name} (${displayType(attribute)}) is under Always Encrypted`,
    hint: 'Leave the column out with --exclude-columns',
    context: { column: name },
  });
}

function notReadable({ name, sourceType }: ReadColumn['spec'], wire: WireType | undefined): LakeportError {
  const arrives = wire === undefined ? 'nothing' : displayWireType(wire);
  const codepage = wire?.codepage === undefined ? '' : `, in code page ${wire.codepage}`;
  return new LakeportError({
    code: 'TYPE_NOT_READABLE',
    message: `Column ${name} is ${sourceType} in the catalog and arrives as ${arrives}${codepage}`,
    hint: 'Export a view that converts the column or leaves it out (with --include-views)',
    context: { column: name },
  });
}
