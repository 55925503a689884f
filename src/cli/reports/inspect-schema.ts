import { z } from 'zod';

import { head } from './document-schemas.js';

/** The schema of the document of `lakeport inspect --json`; see `document-schemas.ts`. */

const count = z.number().int().nonnegative();

/** A value, exact: see the description. */
const value = z
  .unknown()
  .describe(
    'A number (at most 32 bits, or floating), boolean, null, list or object; a text for integers of 64 bits, decimals, dates, times, texts, and 0x with hex digits for bytes',
  );

const statistics = {
  nulls: count.optional(),
  min: value.optional(),
  max: value.optional(),
  min_is_exact: z
    .literal(false)
    .optional()
    .describe('The bound was shortened: it is below all values, but may be none'),
  max_is_exact: z
    .literal(false)
    .optional()
    .describe('The bound was shortened: it is above all values, but may be none'),
};

export const inspectSchema = z.strictObject({
  ...head('inspect'),
  path: z.string(),
  bytes: count,
  bytes_read: count.describe('That this command has read of the file'),
  rows: count,
  format_version: count,
  created_by: z.string().optional(),
  footer_bytes: count,
  schema: z
    .array(
      z.strictObject({
        name: z.string(),
        parquet_type: z.string(),
        nullable: z.boolean(),
        source_type: z.string().optional().describe('In the database; absent where the file does not say'),
        fidelity: z.string().optional().describe('exact, text or lossy; absent where the file does not say'),
        field_id: z.number().int().optional(),
      }),
    )
    .describe('The columns; nested ones have several columns of values'),
  columns: z
    .array(
      z.strictObject({
        path: z.array(z.string()).describe('In the schema'),
        type: z.string(),
        codecs: z.array(z.string()).readonly(),
        encodings: z.array(z.string()).readonly(),
        values: count.describe('NULLs included; of a list, its elements'),
        compressed_bytes: count,
        uncompressed_bytes: count,
        ...statistics,
        page_index: z.boolean(),
        bloom_filter: z.boolean(),
      }),
    )
    .describe('The columns of values, over all row groups'),
  row_groups: z.array(
    z.strictObject({
      rows: count,
      offset: count,
      compressed_bytes: count,
      uncompressed_bytes: count,
      sorted_by: z
        .array(z.strictObject({ column: z.string(), descending: z.boolean(), nulls_first: z.boolean() }))
        .optional(),
      columns: z.array(
        z.strictObject({
          path: z.array(z.string()),
          codec: z.string(),
          encodings: z.array(z.string()).readonly(),
          values: count,
          offset: count,
          compressed_bytes: count,
          uncompressed_bytes: count,
          ...statistics,
          distinct: count.optional(),
          page_index: z.boolean(),
          bloom_filter: z.boolean(),
        }),
      ),
    }),
  ),
  metadata: z.array(z.strictObject({ key: z.string(), value: z.string() })).describe('Key-value pairs of the footer'),
  first_rows: z
    .array(z.array(value).readonly())
    .readonly()
    .optional()
    .describe('With --rows: of each row a value per column, in the order of "schema"'),
});

export type InspectDocument = z.infer<typeof inspectSchema>;
