import { defineFlag } from './flag.js';
import { ADDED_COLUMNS } from './added-column.js';
import { NAMED_QUERIES, QUERY_FILES } from './named-query.js';
import { SAMPLE } from './sample.js';
import { NAME_PATTERNS, tableSettings } from './table-setting.js';
import { TEXT } from './value-types.js';

const SEE = '[choosing columns and rows](data.md)';

/** Which columns and rows of the tables are exported, and what is exported besides. */
export const DATA_FLAGS = {
  queries: defineFlag({
    name: 'query',
    value: 'NAME=SQL',
    type: NAMED_QUERIES,
    repeatable: true,
    group: 'Columns and rows',
    help: "exports a query's rows too, as the table NAME or SCHEMA.NAME",
    onResume: 'kept',
    see: SEE,
  }),
  queryFiles: defineFlag({
    name: 'query_file',
    value: 'NAME=PATH',
    type: QUERY_FILES,
    repeatable: true,
    group: 'Columns and rows',
    help: 'the same, with the SQL in a file',
    onResume: 'kept',
    see: SEE,
  }),
  columns: defineFlag({
    name: 'columns',
    value: 'PATTERN:LIST',
    type: tableSettings(NAME_PATTERNS, { form: 'PATTERN:COLUMN[,COLUMN...]', example: 'sales.orders:id,amount%' }),
    repeatable: true,
    group: 'Columns and rows',
    help: 'of tables that match PATTERN, as in --include, only columns that match one of the LIKE patterns',
    onResume: 'kept',
    see: SEE,
  }),
  excludedColumns: defineFlag({
    name: 'exclude_columns',
    value: 'PATTERN:LIST',
    type: tableSettings(NAME_PATTERNS, { form: 'PATTERN:COLUMN[,COLUMN...]', example: '%:email,phone%' }),
    repeatable: true,
    group: 'Columns and rows',
    help: 'columns to leave out, like --columns and applied after it',
    onResume: 'kept',
    see: SEE,
  }),
  skipUnreadableColumns: defineFlag({
    name: 'skip_unreadable_columns',
    group: 'Columns and rows',
    help: 'leaves out columns that the user may not read, and says so, instead of failing their tables',
    onResume: 'kept',
    see: SEE,
  }),
  where: defineFlag({
    name: 'where',
    value: 'PATTERN:CONDITION',
    type: tableSettings(TEXT, { form: 'PATTERN:CONDITION', example: "orders:placed_at >= '2026-01-01'" }),
    repeatable: true,
    group: 'Columns and rows',
    help: "of tables that match PATTERN, only rows that meet the condition, in the source's SQL",
    onResume: 'kept',
    see: SEE,
  }),
  samples: defineFlag({
    name: 'sample',
    value: 'PATTERN:N%|N',
    type: tableSettings(SAMPLE, { form: 'PATTERN:N% or PATTERN:N', example: 'events:1%' }),
    repeatable: true,
    group: 'Columns and rows',
    help: 'of tables that match PATTERN, about N percent of the rows, or at most N rows',
    onResume: 'kept',
    see: SEE,
  }),
  addedColumns: defineFlag({
    name: 'add_column',
    value: 'NAME=CONTENT',
    type: ADDED_COLUMNS,
    repeatable: true,
    group: 'Columns and rows',
    help: 'adds a column to every table: run_id, exported_at, source_table or constant:TEXT',
    onResume: 'kept',
    see: SEE,
  }),
} as const;
