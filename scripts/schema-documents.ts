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
} from '../src/cli/reports/document-schemas.js';
import { inspectSchema } from '../src/cli/reports/inspect-schema.js';
import { verifySchema } from '../src/cli/reports/verify-schema.js';

/** By the `command` that documents name, and `failure` and `manifest`. */
export const SCHEMAS: Readonly<Record<string, readonly [title: string, schema: z.ZodType]>> = {
  check: ['lakeport check --json', checkSchema],
  export: ['lakeport --json', exportSchema],
  generate_metadata: ['lakeport --run-id --generate-metadata --json', metadataSchema],
  failure: ['Any command that failed, with --json', failureSchema],
  init_db: ['lakeport --init-db --json', initDbSchema],
  inspect: ['lakeport inspect --json', inspectSchema],
  manifest: ['The manifest of a table', manifestSchema],
  plan: ['lakeport plan --json', planSchema],
  runs: ['lakeport runs --json', runsSchema],
  status: ['lakeport status --json', statusSchema],
  verify: ['lakeport verify --json', verifySchema],
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
