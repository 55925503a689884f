import { tableName } from '../../model/table.js';
import type { DescribedTable } from '../formats/table-format.js';
import { attributesOf } from './attribute.js';
import { type EntityDocument, IMPORTS, SEMANTIC_VERSION } from './documents.js';
import { entityName } from './names.js';

/** The document that defines a table's entity. */
export function entityDocument(table: DescribedTable): EntityDocument {
  const { schema = '', name, comment } = table;
  return {
    jsonSchemaSemanticVersion: SEMANTIC_VERSION,
    imports: IMPORTS,
    definitions: [
      {
        entityName: entityName(table),
        displayName: name,
        explanation: tableName({ schema, name }),
        ...(comment !== undefined && { description: comment }),
        hasAttributes: attributesOf(table),
      },
    ],
  };
}
