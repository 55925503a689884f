import { SCHEMAS } from '../../scripts/schema-documents.js';

/**
 * The document of `--json`, held against its schema, which knows no other fields.
 * @throws SyntaxError for what is not JSON, ZodError where the schema says otherwise
 */
export function parseDocument(text: string): unknown {
  const document = JSON.parse(text) as { readonly command: string; readonly error?: unknown };
  const [, schema] = SCHEMAS[document.error === undefined ? document.command : 'failure'] ?? [];
  schema?.parse(document);
  return document;
}
