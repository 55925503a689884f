import { DEFAULT_OPTIONS } from '../../export/model/complete-options.js';
import { defineFlag } from './flag.js';
import { OUTPUT_DIRECTORY } from './path-flags.js';
import { ROUTES } from './routes.js';
import { TEXT } from './value-types.js';

/** Where the export goes. */
export const DESTINATION_FLAGS = {
  outputDirectory: defineFlag({
    name: 'output_dir',
    value: 'PATH',
    type: OUTPUT_DIRECTORY,
    group: 'Destination',
    help: 'local directory; this or --target-storage-id is required',
    onResume: 'kept',
  }),
  storageId: defineFlag({
    name: 'target_storage_id',
    value: 'ID',
    type: TEXT,
    group: 'Destination',
    help: 'storage entry of the auth file',
    onResume: 'kept',
  }),
  subPath: defineFlag({
    name: 'sub_path',
    value: 'PATH',
    type: TEXT,
    default: DEFAULT_OPTIONS.subPath,
    group: 'Destination',
    help: 'directories between base and schema; takes {date}, {timestamp}, {run_id}, {database}, in UTC',
    onResume: 'kept',
  }),
  routes: defineFlag({
    name: 'route',
    value: 'PATTERN=ID[/PATH]',
    type: ROUTES,
    repeatable: true,
    group: 'Destination',
    help: 'sends tables matching PATTERN (LIKE patterns with commas, as for --include) to storage entry ID, below PATH; repeatable, first match wins',
    onResume: 'kept',
  }),
} as const;
