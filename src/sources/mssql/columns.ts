import { createColumnBuffers } from '../../columns/create.js';
import { LakeportError } from '../../errors.js';
import type { DescribeOptions, ReadColumn } from '../source.js';
import { readAttributes, type Attribute } from './attributes.js';
import type { CatalogTable } from './catalog.js';
import type { MssqlClient } from './client.js';
import { bindField } from './decode/decoders.js';
import { errorNumber, mssqlError } from './errors.js';
import { displayTable, quoteName, quoteTable } from './identifiers.js';
import type { ServerFacts } from './server.js';
import { displayWireType } from './tds/wire-type.js';
import { mapType, type MappingOptions } from './types.js';

/** Columns of the tables, by the tables' order, or what keeps a table from being read. */
export async function describeColumns(
  client: MssqlClient,
  server: ServerFacts,
  tables: readonly CatalogTable[],
  options: DescribeOptions,
): Promise<(ReadColumn[] | LakeportError)[]> {
  const attributes = await readAttributes(client, tables);
  const { timestampUnit = 'us', compat } = options;
  const mapping = { timestampUnit, compat, majorVersion: server.majorVersion };
  const described: (ReadColumn[] | LakeportError)[] = [];
  for (const [index, table] of tables.entries()) {
    try {
      const columns = describeTable(table, attributes[index] ?? [], options, mapping);
      await probe(client, table, columns);
      described.push(columns);
    } catch (error) {
      // A lost connection is not the table's fault.
      if (!(error instanceof LakeportError) && errorNumber(error) === undefined) throw error;
      described.push(mssqlError(error, { table: table.id }));
    }
  }
  return described;
}

function describeTable(
  { id, kind }: CatalogTable,
  attributes: readonly Attribute[],
  { onUnrepresentable }: DescribeOptions,
  options: MappingOptions,
): ReadColumn[] {
  if (attributes.length === 0) throw tableNotFound(displayTable(id));
  return attributes.map((attribute) => {
    const { name, number, type: typeName, precision, scale, isAssembly } = attribute;
    const source = { name: typeName, precision, scale, isAssembly };
    const { type, decoder, fidelity, expression, partial } = mapType(source, options);
    // What a view says of NULL is as old as its last refresh.
    const nullable = attribute.nullable || kind === 'view' || (partial && onUnrepresentable === 'null');
    const sourceType = displayType(attribute);
    return {
      spec: { name, fieldId: number, nullable, list: false, type, sourceType, fidelity },
      expression: expression(quoteName(name)),
      decoder,
    };
  });
}

/**
 * Asks for no rows of all columns, as the readers will ask for all rows: what this user may not read and the server will
 * not convert shows now.
 */
async function probe(client: MssqlClient, { id }: CatalogTable, columns: readonly ReadColumn[]): Promise<void> {
  const list = columns.map(({ expression }) => expression).join(', ');
  const types = await client.describe(`SELECT TOP (0) ${list} FROM ${quoteTable(id)}`);
  const buffers = createColumnBuffers(
    columns.map(({ spec }) => spec),
    { rowGroupRows: 1 },
  );
  columns.forEach(({ spec, decoder }, i) => {
    const [buffer, type] = [buffers[i], types[i]];
    if (buffer === undefined || type === undefined) throw new TypeError('a result with too few columns');
    if (bindField(decoder, buffer, type) === undefined) throw unexpectedType(spec, displayWireType(type));
  });
}

const SIZED = new Set(['char', 'varchar', 'binary', 'varbinary']);
const WIDE = new Set(['nchar', 'nvarchar']);
const SCALED = new Set(['time', 'datetime2', 'datetimeoffset']);

/** As in CREATE TABLE; an alias with the type below it. */
export function displayType(attribute: Attribute): string {
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
    exit: 'tables-failed',
    message: 'the table does not exist, or has no column that this user can see',
    hint: 'it was dropped or renamed meanwhile; run again',
    context: { table },
  });
}

function unexpectedType(spec: ReadColumn['spec'], arrived: string): LakeportError {
  return new LakeportError({
    code: 'TYPE_NOT_READABLE',
    exit: 'tables-failed',
    message: `Column ${spec.name} (${spec.sourceType}) arrives as ${arrived}`,
    hint: 'a column under Always Encrypted cannot be read; export a view without it (with --include_views)',
    context: { column: spec.name },
  });
}
