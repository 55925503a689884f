import type { z } from 'zod';

import {
  checkSchema,
  exportSchema,
  failureSchema,
  initDbSchema,
  planSchema,
  runsSchema,
  statusSchema,
} from '../../src/cli/reports/document-schemas.js';

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  check: checkSchema,
  export: exportSchema,
  init_db: initDbSchema,
  plan: planSchema,
  runs: runsSchema,
  status: statusSchema,
};

/**
 * The document of `--json`, held against its schema, which knows no other fields.
 * @throws SyntaxError for what is not JSON, ZodError where the schema says otherwise
 */
export function parseDocument(text: string): unknown {
  const document = JSON.parse(text) as { readonly command: string; readonly error?: unknown };
  const schema = document.error === undefined ? SCHEMAS[document.command] : failureSchema;
  schema?.parse(document);
  return document;
}
