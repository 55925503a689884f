import { z } from 'zod';

import { manifestSchema } from '../src/export/formats/directory/manifest-schema.js';
import {
  checkSchema,
  exportSchema,
  failureSchema,
  initDbSchema,
  metadataSchema,
  planSchema,
  runsSchema,
  statusSchema,
  workSchema,
} from '../src/cli/reports/document-schemas.js';
import { compactSchema } from '../src/cli/reports/compact-schema.js';
import { inspectSchema } from '../src/cli/reports/inspect-schema.js';
import {
  cleanupSchema,
  configCreateSchema,
  configDeleteSchema,
  configListSchema,
  configShowSchema,
  lxdbLocksSchema,
  lxdbRemovalSchema,
  syncPublishSchema,
  syncStatusSchema,
} from '../src/cli/reports/sync-schemas.js';
import { verifySchema } from '../src/cli/reports/verify-schema.js';

/** By the `command` that documents name, and `failure` and `manifest`. */
export const SCHEMAS: Readonly<Record<string, readonly [title: string, schema: z.ZodType]>> = {
  check: ['lakeport check --json', checkSchema],
  cleanup: ['lakeport cleanup --json', cleanupSchema],
  compact: ['lakeport compact --json', compactSchema],
  config_create: ['lakeport config create --json', configCreateSchema],
  config_delete: ['lakeport config delete --json', configDeleteSchema],
  config_list: ['lakeport config list --json', configListSchema],
  config_show: ['lakeport config show --json', configShowSchema],
  export: ['lakeport --json', exportSchema],
  generate_metadata: ['lakeport --run-id --generate-metadata --json', metadataSchema],
  failure: ['Any command that failed, with --json', failureSchema],
  init_db: ['lakeport --init-db --json', initDbSchema],
  inspect: ['lakeport inspect --json', inspectSchema],
  lxdb_drop: ['lakeport lxdb drop --json', lxdbRemovalSchema],
  lxdb_locks: ['lakeport lxdb locks --json', lxdbLocksSchema],
  lxdb_release_locks: ['lakeport lxdb release-locks --json', lxdbLocksSchema],
  lxdb_truncate: ['lakeport lxdb truncate --json', lxdbRemovalSchema],
  manifest: ['The manifest of a table', manifestSchema],
  plan: ['lakeport plan --json', planSchema],
  runs: ['lakeport runs --json', runsSchema],
  status: ['lakeport status --json', statusSchema],
  sync_publish: ["lakeport 'sync[publish]' --json", syncPublishSchema],
  sync_status: ['lakeport status --sync-id --json', syncStatusSchema],
  verify: ['lakeport verify --json', verifySchema],
  work: ['lakeport work --json', workSchema],
};

/** A JSON Schema for each document, by its path. */
export const SCHEMA_GENERATORS: Readonly<Record<string, () => string>> = Object.fromEntries(
  Object.entries(SCHEMAS).map(([name, [title, schema]]) => [
    `docs/schemas/${name}.json`,
    () => JSON.stringify(jsonSchema(title, schema)),
  ]),
);

/** Later versions may add fields, so that a schema forbids none. */
function jsonSchema(title: string, schema: z.ZodType): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    override: ({ jsonSchema: node }) => {
      if (node.additionalProperties === false) delete node.additionalProperties;
    },
  });
  return { $schema, title, ...rest };
}
