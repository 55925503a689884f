import type { ColumnTotals, Inspection } from '../../parquet-reader/inspection.js';
import type { ShownValue } from '../../parquet-reader/shown-value.js';
import { typeNameOf } from '../../parquet-reader/type-name.js';
import type { StoredFile } from '../../storage/stored-file.js';
import { printable } from '../../text/printable.js';
import { byteSize, count, counted } from '../../text/quantities.js';
import { fit, tableLines, type TextColumn, type TextTable } from '../../text/text-table.js';
import type { Output } from '../terminal/output.js';

/** Row groups that are listed; --json has all. */
const MOST_ROW_GROUPS = 20;
/** Width of a value in tables. */
const VALUE_WIDTH = 32;
/** Width of a value of the footer's metadata. */
const METADATA_WIDTH = 100;

/** What is in a file, human-readable. */
export function inspectText(
  inspection: Inspection,
  file: Pick<StoredFile, 'name' | 'bytes' | 'bytesRead'>,
  output: Output,
): string {
  const section = (title: string, table: TextTable, more: readonly string[] = []) => {
    if (table.rows.length === 0) return [];
    const lines = tableLines(table);
    return ['', output.paint('bold', title), output.paint('dim', lines.title), ...lines.rows, ...more];
  };
  const groups = inspection.footer.rowGroups.length;
  const lines = [
    ...factLines(inspection, file),
    ...section('Columns', schemaTable(inspection)),
    ...section('Values', valuesTable(inspection)),
    ...section(
      'Row groups',
      rowGroupTable(inspection),
      groups > MOST_ROW_GROUPS ? [`… ${counted(groups - MOST_ROW_GROUPS, 'more row group')}; --json lists them`] : [],
    ),
    ...section('Metadata', metadataTable(inspection)),
    ...rowsSection(inspection, section),
  ];
  return `${lines.join('\n')}\n`;
}

function factLines({ footer }: Inspection, file: Pick<StoredFile, 'name' | 'bytes' | 'bytesRead'>): string[] {
  const { rows, rowGroups, schema, columns, createdBy, formatVersion } = footer;
  const nested = columns.length === schema.children.length ? '' : `, ${counted(columns.length, 'column')} of values`;
  const facts: readonly (readonly [name: string, value: string])[] = [
    ['File', printable(file.name)],
    ['Size', `${byteSize(file.bytes)}, of which ${byteSize(file.bytesRead)} were read`],
    ['Rows', `${count(rows)} in ${counted(rowGroups.length, 'row group')}`],
    ['Columns', `${count(schema.children.length)}${nested}`],
    ['Footer', `${byteSize(footer.bytes)}, format version ${formatVersion}`],
    ['Created by', createdBy === undefined ? 'unknown' : printable(createdBy)],
  ];
  return facts.map(([name, value]) => `${name.padEnd(12)}${value}`);
}

function schemaTable({ footer, sources }: Inspection): TextTable {
  const isKnown = sources.some(({ sourceType }) => sourceType !== undefined);
  const columns: TextColumn[] = [{ title: 'COLUMN' }, { title: 'PARQUET TYPE' }, { title: 'NULL' }];
  if (isKnown) columns.push({ title: 'SOURCE TYPE' }, { title: 'FIDELITY' });
  const rows = footer.schema.children.map((node, index) => {
    const { sourceType = '', fidelity = '' } = sources[index] ?? {};
    const { name, repetition_type: repetition } = node.element;
    const nullable = repetition === 'REQUIRED' ? 'never' : 'may be';
    return [printable(name), printable(typeNameOf(node)), nullable, printable(sourceType), printable(fidelity)].slice(
      0,
      columns.length,
    );
  });
  return { columns, rows };
}

function valuesTable({ totals, footer }: Inspection): TextTable {
  const columns: TextColumn[] = [
    { title: 'COLUMN' },
    { title: 'SIZE', align: 'right' },
    { title: 'RATIO', align: 'right' },
    { title: 'CODEC' },
    { title: 'ENCODINGS' },
    { title: 'NULLS', align: 'right' },
    { title: 'MIN' },
    { title: 'MAX' },
    { title: 'INDEXES' },
  ];
  return footer.rowGroups.length === 0 ? { columns, rows: [] } : { columns, rows: totals.map(valuesRow) };
}

function valuesRow(totals: ColumnTotals): string[] {
  const { compressedBytes, uncompressedBytes, nulls } = totals;
  const indexes = [...(totals.hasPageIndex ? ['pages'] : []), ...(totals.hasBloomFilter ? ['Bloom filter'] : [])];
  return [
    printable(totals.column.path.join('.')),
    byteSize(compressedBytes),
    compressedBytes > 0 ? (uncompressedBytes / compressedBytes).toFixed(1) : '',
    totals.codecs.join(', '),
    totals.encodings.join(', '),
    nulls === undefined ? '?' : count(nulls),
    boundText(totals.min, totals.isMinExact),
    boundText(totals.max, totals.isMaxExact),
    indexes.join(', '),
  ];
}

/** A shortened bound ends in `…`. */
function boundText(value: ShownValue | undefined, isExact: boolean): string {
  return value === undefined ? '' : fit(`${valueText(value)}${isExact ? '' : '…'}`, VALUE_WIDTH);
}

function rowGroupTable({ footer }: Inspection): TextTable {
  const sorted = footer.rowGroups.some(({ sortedBy }) => sortedBy.length > 0);
  const columns: TextColumn[] = [
    { title: '#', align: 'right' },
    { title: 'ROWS', align: 'right' },
    { title: 'SIZE', align: 'right' },
    { title: 'UNCOMPRESSED', align: 'right' },
    { title: 'OFFSET', align: 'right' },
    ...(sorted ? [{ title: 'SORTED BY' }] : []),
  ];
  const rows = footer.rowGroups
    .slice(0, MOST_ROW_GROUPS)
    .map((group, index) => [
      count(index),
      count(group.rows),
      byteSize(group.compressedBytes),
      byteSize(group.uncompressedBytes),
      count(group.offset),
      ...(sorted
        ? [
            group.sortedBy
              .map(({ column, descending }) => `${printable(column)}${descending ? ' DESC' : ''}`)
              .join(', '),
          ]
        : []),
    ]);
  return { columns, rows };
}

function metadataTable({ footer }: Inspection): TextTable {
  const rows = footer.keyValues.map(({ key, value }) => [printable(key), fit(printable(value), METADATA_WIDTH)]);
  return { columns: [{ title: 'KEY' }, { title: 'VALUE' }], rows };
}

function rowsSection({ rows, footer }: Inspection, section: (title: string, table: TextTable) => string[]): string[] {
  if (rows === undefined) return [];
  const columns = footer.schema.children.map(({ element: { name, type } }): TextColumn => {
    const isNumber = type !== undefined && /^(?:INT|FLOAT|DOUBLE)/.test(type);
    return { title: printable(name), align: isNumber ? 'right' : 'left' };
  });
  const cells = rows.map((row) => row.map((value) => fit(valueText(value), VALUE_WIDTH)));
  return section(rows.length === 1 ? 'First row' : `First ${counted(rows.length, 'row')}`, { columns, rows: cells });
}

function valueText(value: ShownValue): string {
  if (value === null) return 'NULL';
  return printable(
    typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(value) : String(value),
  );
}
