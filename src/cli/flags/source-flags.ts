import { DEFAULT_OPTIONS } from '../../export/model/complete-options.js';
import { INHERITED } from '../../sources/source.js';
import { defineFlag } from './flag.js';
import { LOCAL_PATH } from './path-flags.js';
import { NAME_PATTERNS } from './table-setting.js';
import { oneOf, TEXT, wholeNumber } from './value-types.js';

/** What is exported. */
export const SOURCE_FLAGS = {
  authFile: defineFlag({
    name: 'auth_file',
    short: 'a',
    aliases: ['auth'],
    value: 'PATH',
    type: LOCAL_PATH,
    group: 'Source',
    help: 'JSON file with named credentials (required)',
    onResume: 'changeable',
    see: '[auth file](auth-file.md)',
  }),
  sourceId: defineFlag({
    name: 'source_db_auth_id',
    value: 'ID',
    type: TEXT,
    group: 'Source',
    help: 'source database: an entry of the auth file (required)',
    onResume: 'kept',
  }),
  databaseName: defineFlag({
    name: 'source_db_name',
    value: 'NAME',
    type: TEXT,
    group: 'Source',
    help: "database, instead of the entry's own",
    onResume: 'kept',
  }),
  schemas: defineFlag({
    name: 'source_schema_name',
    value: 'LIST',
    type: NAME_PATTERNS,
    repeatable: true,
    group: 'Source',
    help: 'schemas: LIKE patterns with commas, odd names in double quotes (default: all user schemas)',
    onResume: 'kept',
  }),
  include: defineFlag({
    name: 'include',
    short: 'i',
    value: 'LIST',
    type: NAME_PATTERNS,
    repeatable: true,
    group: 'Source',
    help: 'tables: LIKE patterns with commas, of names or of schema.table, odd names in double quotes (default: all)',
    onResume: 'kept',
  }),
  exclude: defineFlag({
    name: 'exclude',
    short: 'e',
    value: 'LIST',
    type: NAME_PATTERNS,
    repeatable: true,
    group: 'Source',
    help: 'tables to leave out, like --include and applied after it',
    onResume: 'kept',
  }),
  includeViews: defineFlag({
    name: 'include_views',
    group: 'Source',
    help: 'exports views and materialized views too',
    onResume: 'kept',
  }),
  includeForeignTables: defineFlag({
    name: 'include_foreign_tables',
    group: 'Source',
    help: 'exports foreign tables too, and tables and views that read them; they are in no snapshot',
    onResume: 'kept',
    see: '[foreign tables](../sources/postgresql.md#foreign-tables)',
  }),
  inherited: defineFlag({
    name: 'inherited',
    value: 'HOW',
    type: oneOf(INHERITED),
    default: DEFAULT_OPTIONS.inherited,
    formerDefault: 'include',
    group: 'Source',
    help: 'only exports the rows of a table that others inherit from once (default); include adds the rows of its children to it',
    onResume: 'kept',
    see: '[inheritance](../sources/postgresql.md#inheritance)',
  }),
  includeExtensionTables: defineFlag({
    name: 'include_extension_tables',
    group: 'Source',
    help: 'exports tables created by extensions too, such as spatial_ref_sys',
    onResume: 'kept',
  }),
  minRows: defineFlag({
    name: 'min_rows',
    value: 'N',
    type: wholeNumber({ least: 0 }),
    group: 'Source',
    help: 'only tables with at least N rows by the estimate of the database',
    onResume: 'kept',
  }),
  maxRows: defineFlag({
    name: 'max_rows',
    value: 'N',
    type: wholeNumber({ least: 0 }),
    group: 'Source',
    help: 'only tables with at most N rows by the estimate of the database',
    onResume: 'kept',
  }),
} as const;
