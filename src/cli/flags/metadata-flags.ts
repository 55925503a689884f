import { DDL_DIALECTS } from '../../export/model/ddl-dialect.js';
import { defineFlag } from './flag.js';
import { someOf } from './value-types.js';

/** What describes the tables besides their files. */
export const METADATA_FLAGS = {
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
