import { DDL_DIALECTS } from '../../export/model/ddl-dialect.js';
import { defineFlag } from './flag.js';
import { someOf, TEXT } from './value-types.js';

const SEE = '[Common Data Model](common-data-model.md)';

/** What describes the tables besides their files. */
export const METADATA_FLAGS = {
  generateMetadata: defineFlag({
    name: 'generate_metadata',
    group: 'Metadata',
    help: 'writes Common Data Model manifests, one for each schema and one above several; with --run-id and no source, those of that finished run',
    onResume: 'kept',
    see: SEE,
  }),
  includeEntityFiles: defineFlag({
    name: 'include_entity_files',
    group: 'Metadata',
    help: 'with --generate-metadata: also writes a document for each table, with columns, types and primary key',
    onResume: 'kept',
    see: SEE,
  }),
  manifestName: defineFlag({
    name: 'manifest_name',
    value: 'NAME',
    type: TEXT,
    group: 'Metadata',
    help: 'with --generate-metadata: manifestName of the topmost manifest (default: name of the schema, or of the database)',
    onResume: 'kept',
    see: SEE,
  }),
  ddl: defineFlag({
    name: 'generate_ddl',
    value: 'DIALECT',
    type: someOf(DDL_DIALECTS),
    repeatable: true,
    group: 'Metadata',
    help: `writes, beside each table, the statements that make it queryable: ${DDL_DIALECTS.slice(0, -1).join(', ')} or ${DDL_DIALECTS.at(-1) ?? ''}; repeatable`,
    onResume: 'kept',
    see: '[DDL](output.md#ddl)',
  }),
} as const;
