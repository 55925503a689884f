import { z } from 'zod';

/** What a source declares about a table, as manifests have it. */

const name = z.string().optional().describe('As the database calls it; absent if it has no name');
const columns = z.array(z.string()).readonly();

const uniqueKey = z.strictObject({ name, columns: columns.describe('In the order of the key') });

const foreignKey = z.strictObject({
  name,
  columns,
  references: z.strictObject({ schema: z.string(), table: z.string(), columns }),
  validated: z.boolean().describe('Whether the database has made sure that it holds for every row'),
});

export const metadataSchema = z.strictObject({
  comment: z.string().optional().describe("The source's comment on the table"),
  primary_key: uniqueKey.optional().describe('Absent if the table has none, or a column of it is left out or masked'),
  unique_keys: z.array(uniqueKey).readonly().optional().describe('Besides the primary key'),
  foreign_keys: z.array(foreignKey).readonly().optional(),
});

/** Fields of a column, or of a level of directories. */
export const columnMetadataSchema = z.strictObject({
  comment: z.string().optional().describe("The source's comment on the column"),
  default: z.string().optional().describe("An expression in the source's SQL; absent for a masked column"),
});

export type MetadataDocument = z.infer<typeof metadataSchema>;
export type UniqueKeyDocument = z.infer<typeof uniqueKey>;
export type ForeignKeyDocument = z.infer<typeof foreignKey>;
