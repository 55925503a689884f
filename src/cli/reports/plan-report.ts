import { refusedBy } from '../../columns/compat.js';
import type { ColumnSpec } from '../../columns/column-spec.js';
import { EXIT_CODES, type LakeportError } from '../../errors.js';
import { fileOptionsDocument } from '../../export/model/file-options-document.js';
import { type ExportOptions, fileOptions } from '../../export/model/options.js';
import { columnSpecs, type RunPlan, type TablePlan } from '../../export/model/plan.js';
import { takesCount } from '../../export/model/row-check.js';
import { expectedSliceBytes } from '../../export/model/slice-bytes.js';
import { memoryBytes, type ReaderMemory } from '../../parquet/memory.js';
import { optInFlag } from '../../sources/opt-ins.js';
import type { TableId } from '../../model/table.js';
import { VERSION } from '../../version.js';
import type { Output } from '../terminal/output.js';
import { parquetTypeName } from '../../columns/type-name.js';
import { printable, printableLines, tableName } from '../../text/printable.js';
import { byteSize, count, counted } from '../../text/quantities.js';
import { requestedDocument } from '../../export/model/requested-document.js';
import { syncDocument } from '../../export/model/sync-document.js';
import { sourceDocument } from '../../export/model/source-document.js';
import { refusedLines, undecodedLines } from './plan-readers.js';
import { errorDocument, metadataDocument, routeDocument, skippedDocument } from './run-json.js';
import type { PlanDocument } from './document-schemas.js';
import type { Warning } from './warning.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';
import { firstLines, inexactLines, listingOf, OVERVIEW, type PlanDetail, restRow, sliceLines } from './plan-listing.js';

const TABLE_COLUMNS: readonly TextColumn[] = [
  { title: 'TABLE' },
  { title: 'ROWS', align: 'right' },
  { title: 'SIZE', align: 'right' },
  { title: 'METHOD' },
  { title: 'READERS', align: 'right' },
  { title: 'FILES', align: 'right' },
  { title: 'TARGET' },
];

const SPEC_COLUMNS: readonly TextColumn[] = [
  { title: 'COLUMN' },
  { title: 'SOURCE TYPE' },
  { title: 'PARQUET TYPE' },
  { title: 'NULLABLE' },
  { title: 'FIDELITY' },
];

/**
 * What an export would do, human-readable.
 * @throws LakeportError if the tables to show are not in the plan
 */
export function planText(
  plan: RunPlan,
  options: { readonly output: Output; readonly exportOptions: ExportOptions; readonly detail?: PlanDetail },
): string {
  const { output, exportOptions, detail = OVERVIEW } = options;
  const listing = listingOf(plan, detail);
  const { allColumns, isNamed, mostLines } = listing;
  const lines = [...headLines(plan, exportOptions), ''];
  const rows = listing.tables.map((table) => tableRow(table, exportOptions));
  const tables = tableLines({
    columns: TABLE_COLUMNS,
    rows: [...rows, ...restRow(listing.rest, (table) => filesOf(table, exportOptions))],
  });
  if (rows.length > 0) lines.push(output.paint('dim', tables.title), ...tables.rows);
  const shown = isNamed ? [...listing.tables, ...listing.rest] : plan.tables;
  lines.push(...noteLines(shown, mostLines));
  if (!isNamed) lines.push(...leftOutLines(plan));

  lines.push(...(allColumns ? shown.flatMap((table) => columnLines(table, output)) : inexactLines(shown, mostLines)));
  if (isNamed) lines.push(...listing.tables.flatMap(sliceLines));
  if (listing.rest.length > 0) {
    lines.push(
      '',
      `The ${listing.tables.length} largest of ${count(shown.length)} tables are listed. lakeport plan --tables lists all, ` +
        'lakeport plan TABLE shows one in full, --json has everything.',
    );
  }
  lines.push(
    ...reasons(
      plan.skipped.map(({ id, reason }) => [id, reason] as const),
      'skipped',
      { output, mostLines },
    ),
  );
  lines.push(
    ...reasons(
      plan.problems.map(({ id, error }) => [id, error] as const),
      'problem',
      { output, mostLines },
    ),
  );
  lines.push(...refusedLines(plan, output), ...undecodedLines(plan, exportOptions, output));
  lines.push('', 'Rows and sizes are estimates of the database. Nothing was written.');
  return `${lines.join('\n')}\n`;
}

function reasons(
  tables: readonly (readonly [TableId, LakeportError])[],
  kind: 'skipped' | 'problem',
  { output, mostLines }: { readonly output: Output; readonly mostLines: number },
): string[] {
  if (tables.length === 0) return [];
  const number = counted(tables.length, 'table');
  const head =
    kind === 'skipped'
      ? output.paint('yellow', `${number} would be skipped:`)
      : output.paint('red', `${number} would fail:`);
  const sections = tables.slice(0, mostLines).flatMap(([id, error]) => reasonLines(id, error, output));
  const rest = tables.length - mostLines;
  return ['', head, ...sections, ...(rest > 0 ? [`  … ${count(rest)} more; --json has all`] : [])];
}

function reasonLines(id: TableId, { message, hint }: LakeportError, output: Output): string[] {
  const lines = [`  ${tableName(id)}: ${printableLines(message)}`];
  if (hint !== undefined) lines.push(`    ${output.paint('cyan', 'hint:')} ${printable(hint)}`);
  return lines;
}

function noteLines(tables: readonly TablePlan[], mostLines: number): readonly string[] {
  const lines = tables.flatMap(({ id, notes = [] }) =>
    notes
      // Told once for all tables.
      .filter(({ code }) => code !== 'ENCODING_NOT_DECODED')
      .map(({ text }) => `  ${tableName(id)}: ${printable(text)}`),
  );
  return lines.length === 0 ? [] : ['', 'Notes:', ...firstLines(lines, mostLines)];
}

/** The flags that would include more tables, with their number. */
function leftOutLines({ leftOut }: RunPlan): string[] {
  const counts = countBy(leftOut.map(({ missing }) => missing.map((optIn) => `--${optInFlag(optIn)}`).join(' ')));
  return Array.from(counts, ([flags, number]) => `${counted(number, 'more table')} with ${flags}`).map((text, at) =>
    at === 0 ? `\nLeft out: ${text}` : `          ${text}`,
  );
}

function headLines(plan: RunPlan, exportOptions: ExportOptions): string[] {
  const { server, snapshot, readers, connections, readerMemory } = plan;
  const rows = plan.tables.reduce((sum, { estimatedRows }) => sum + (estimatedRows ?? 0), 0);
  const bytes = plan.tables.reduce((sum, { estimatedBytes }) => sum + (estimatedBytes ?? 0), 0);
  const consistency = {
    run: 'run: all tables and readers see one snapshot',
    table: 'table: each table is read from one snapshot of its own',
    none: noneText(plan),
  }[snapshot.consistency];
  return [
    `Source       ${printable(server.database)} on ${server.address} (${server.product})`,
    `Tables       ${count(plan.tables.length)}, about ${counted(rows, 'row')}, ${byteSize(bytes)} in the database`,
    `Consistency  ${consistency}`,
    `Connections  ${count(connections)} at most: ${connectionsText(plan)}`,
    ...rowCheckLines(plan, exportOptions),
    ...fileLines(exportOptions),
    ...ddlLines(exportOptions),
    ...metadataLines(plan),
    ...memoryLines(readerMemory, readers),
    ...maskLines(plan, exportOptions),
    ...storageLines(plan),
  ];
}

function memoryLines(memory: ReaderMemory, readers: number): string[] {
  const { rowGroupBytes, columnBytes, batchBytes, uploadBytes } = memory;
  const bytes = memoryBytes(memory);
  const parts = [
    `${byteSize(rowGroupBytes)} for row groups`,
    `${byteSize(columnBytes)} for columns`,
    `${byteSize(batchBytes)} for a batch`,
    ...(uploadBytes === 0 ? [] : [`${byteSize(uploadBytes)} for uploads`]),
  ];
  return [
    `Memory       ${byteSize(bytes)} at most for each reader, ${byteSize(bytes * readers)} for all`,
    ...(bytes === 0 ? [] : [`             of each: ${parts.join(', ')}`]),
  ];
}

function connectionsText({ readers, connections }: RunPlan): string {
  const isCounted = connections > readers + 1;
  return `${counted(readers, 'reader')}${isCounted ? ', the row check' : ''} and the planner`;
}

/** None for files as they are by default. */
function fileLines(options: ExportOptions): string[] {
  const { codec, compressionLevel, encoding, maxRowsPerFile, maxFileBytes } = options;
  const parts = [
    compressionLevel === undefined ? [] : `${codec} level ${compressionLevel}`,
    encoding === 'compact' ? 'compact encodings' : [],
    maxRowsPerFile === undefined ? [] : `at most ${counted(maxRowsPerFile, 'row')} each`,
    maxFileBytes === undefined ? [] : `at most ${byteSize(maxFileBytes)} each`,
  ].flat();
  return parts.length === 0 ? [] : [`Files        ${parts.join(', ')}`];
}

function ddlLines({ ddl = [] }: ExportOptions): string[] {
  return ddl.length === 0 ? [] : [`DDL          ${ddl.join(', ')}: a file beside each table`];
}

function metadataLines({ metadata }: RunPlan): string[] {
  if (metadata === undefined) return [];
  const { manifests, entityFiles } = metadata;
  const entities = entityFiles.length === 0 ? '' : `, ${counted(entityFiles.length, 'entity file')}`;
  return [`Metadata     Common Data Model: ${printable(manifests[0] ?? 'no manifest')}${entities}`];
}

/** Tables that are read in one piece need no check. */
function rowCheckLines({ tables }: RunPlan, { rowCheck }: ExportOptions): string[] {
  const divided = tables.filter(({ slices }) => slices.length > 1);
  if (divided.length === 0) return [];
  const taken = divided.filter((table) => takesCount(table, rowCheck)).length;
  if (taken > 0) return [`Row check    count: rows of ${counted(taken, 'table')} are also counted by the server`];
  return rowCheck === 'none' ? ['Row check    none'] : [];
}

/** Masked columns, and the policy that they are from. */
function maskLines({ tables }: RunPlan, { maskPolicy, onUnrepresentable }: ExportOptions): string[] {
  const masked = tables.reduce(
    (sum, { columns }) => sum + columns.filter(({ spec }) => spec.mask !== undefined).length,
    0,
  );
  const policy =
    maskPolicy === undefined ? '' : `; policy ${printable(maskPolicy.path)}: unlisted columns ${maskPolicy.unlisted}`;
  return [
    ...(masked === 0 && policy === '' ? [] : [`Masks        ${counted(masked, 'column')}${policy}`]),
    ...(onUnrepresentable === 'text'
      ? ['Values       each table is read once more while planning, to find columns that need text']
      : []),
  ];
}

/** Some tables may be outside the snapshot that all others share. */
function noneText({ tables }: RunPlan): string {
  const outside = tables.filter(({ consistency }) => consistency === 'none').length;
  return outside === tables.length
    ? 'none: tables and readers see the database at different times'
    : `none: ${counted(outside, 'table')} in no snapshot, ${count(tables.length - outside)} in one`;
}

/** None for a single storage, which the targets already show. */
function storageLines({ tables }: RunPlan): string[] {
  const counts = countBy(tables.map(({ storageId }) => storageId));
  if (counts.size < 2) return [];
  const parts = Array.from(counts, ([id, number]) => `${printable(id)} (${counted(number, 'table')})`);
  return [`Storages     ${parts.join(', ')}`];
}

function countBy(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

function tableRow(table: TablePlan, options: ExportOptions): string[] {
  const { id, estimatedRows, estimatedBytes, method, degree, displayPath } = table;
  const files = filesOf(table, options);
  const isMost = table.notes?.some(({ code }) => code === 'ESTIMATE_BEFORE_CONDITION') === true;
  return [
    tableName(id) + (table.kind === 'table' ? '' : ` (${table.kind})`),
    estimatedRows === undefined ? '?' : `${isMost ? '≤' : '~'}${count(estimatedRows)}`,
    estimatedBytes === undefined ? '?' : `${isMost ? '≤' : ''}${byteSize(estimatedBytes)}`,
    method,
    count(degree),
    `${files > table.slices.length ? '~' : ''}${count(files)}`,
    printable(displayPath),
  ];
}

/**
 * One file per slice, and more if `--max-rows-per-file` or `--max-file-size` splits it: at most as many as the size in
 * the database makes, as files are smaller.
 */
function filesOf(table: TablePlan, { maxRowsPerFile = Infinity, maxFileBytes = Infinity }: ExportOptions): number {
  const files = table.slices.map((slice) => {
    const byRows = (slice.estimatedRows ?? 0) / maxRowsPerFile;
    const byBytes = (expectedSliceBytes(table, slice) ?? 0) / maxFileBytes;
    return Math.max(1, Math.ceil(byRows), Math.ceil(byBytes));
  });
  return files.reduce((total, number) => total + number, 0);
}

function columnLines(table: TablePlan, output: Output): string[] {
  const specs = columnSpecs(table);
  const rows = specs.map((spec) => [
    printable(spec.name),
    spec.added === undefined ? printable(spec.sourceType) : `(added: ${spec.added})`,
    parquetTypeName(spec),
    spec.nullable ? 'null' : 'not null',
    fidelityText(spec),
  ]);
  const levels = (table.partitionedBy ?? []).map(({ name, sourceType = '' }) => [
    printable(name),
    printable(sourceType),
    'name of a directory',
    '',
    '',
  ]);
  const text = tableLines({ columns: SPEC_COLUMNS, rows: [...rows, ...levels] });
  const painted = text.rows.map((line, at) => (specs[at]?.fidelity === 'lossy' ? output.paint('yellow', line) : line));
  return [
    '',
    output.paint('bold', tableName(table.id)),
    `  ${output.paint('dim', text.title)}`,
    ...painted.map((line) => `  ${line}`),
  ];
}

function fidelityText({ fidelity, mask }: ColumnSpec): string {
  return mask === undefined ? fidelity : `${fidelity}, masked: ${printable(mask)}`;
}

/** A plan in which a table would fail is not a success. */
export function planExitCode({ problems }: RunPlan): number {
  return problems.length === 0 ? 0 : EXIT_CODES['tables-failed'];
}

/** The document of `lakeport plan --json`. */
export function planDocument(
  plan: RunPlan,
  options: ExportOptions,
  warnings: readonly Warning[] = [],
  exitCode = planExitCode(plan),
): PlanDocument {
  return {
    lakeport: VERSION,
    command: 'plan',
    run_id: options.runId,
    exit_code: exitCode,
    source: sourceDocument(options.sourceId, plan.server),
    target: 'directory' in options.target ? options.target.directory : options.target.storageId,
    routes: options.routes.map(routeDocument),
    ...(options.compat === undefined ? {} : { compat: options.compat }),
    consistency: plan.snapshot.consistency,
    readers: plan.readers,
    connections: plan.connections,
    row_check: options.rowCheck ?? 'count',
    reader_memory_bytes: memoryBytes(plan.readerMemory),
    reader_memory: {
      row_group_bytes: plan.readerMemory.rowGroupBytes,
      column_bytes: plan.readerMemory.columnBytes,
      batch_bytes: plan.readerMemory.batchBytes,
      upload_bytes: plan.readerMemory.uploadBytes,
    },
    file_options: fileOptionsDocument(fileOptions(options)),
    tables: plan.tables.map((table) => tableDocument(table, options)),
    problems: plan.problems.map(({ id, error, storageId, displayPath }) => ({
      schema: id.schema,
      table: id.name,
      storage: storageId,
      path: displayPath,
      error: errorDocument(error),
    })),
    skipped: plan.skipped.map(skippedDocument),
    left_out: plan.leftOut.map(({ table, missing }) => ({
      schema: table.id.schema,
      table: table.id.name,
      kind: table.kind,
      flags: missing.map((optIn) => `--${optInFlag(optIn)}`),
    })),
    ...(plan.metadata === undefined ? {} : { common_data_model: metadataDocument(plan.metadata) }),
    warnings,
  };
}

function tableDocument(table: TablePlan, options: ExportOptions): PlanDocument['tables'][number] {
  return {
    schema: table.id.schema,
    table: table.id.name,
    kind: table.kind,
    ...requestedDocument(table.dataset),
    consistency: table.consistency ?? null,
    ...(table.sync !== undefined && { sync: syncDocument(table.sync) }),
    ...(table.notes === undefined || table.notes.length === 0
      ? {}
      : { notes: table.notes.map(({ code, text }) => ({ code, message: text })) }),
    estimated_rows: table.estimatedRows ?? null,
    estimated_bytes: table.estimatedBytes ?? null,
    method: table.method,
    readers: table.degree,
    files: filesOf(table, options),
    storage: table.storageId,
    path: table.displayPath,
    ...(table.manifest === undefined ? {} : { manifest: table.manifest }),
    ...(table.ddl === undefined ? {} : { ddl: table.ddl }),
    slices: table.slices.map(({ method, bounds, estimatedRows, directory }) => ({
      method,
      bounds,
      estimated_rows: estimatedRows ?? null,
      ...(directory === undefined ? {} : { directory }),
    })),
    ...(table.partitionedBy !== undefined && {
      partition_columns: table.partitionedBy.map(({ name, sourceType = null }) => ({ name, source_type: sourceType })),
    }),
    columns: columnSpecs(table).map((spec) => ({
      name: spec.name,
      source_type: spec.sourceType,
      parquet_type: parquetTypeName(spec),
      nullable: spec.nullable,
      fidelity: spec.fidelity,
      ...(spec.bloomFilter !== undefined && { bloom_filter: spec.bloomFilter }),
      ...(spec.mask !== undefined && { mask: spec.mask }),
      ...(spec.isTextByValues === true && { text_by_values: true as const }),
      ...(spec.added === undefined ? {} : { added: spec.added }),
      ...(refusedBy(spec).length === 0 ? {} : { refused_by: [...refusedBy(spec)] }),
    })),
  };
}
