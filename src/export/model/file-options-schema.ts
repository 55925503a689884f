import { z } from 'zod';

const count = z.number().int().positive();

/** How files are written: one shape in every JSON document. */
export const fileOptionsSchema = z.strictObject({
  compression: z.string().describe('The codec'),
  compression_level: count.nullable().describe("Null for the codec's usual one"),
  encoding: z.enum(['plain', 'compact']),
  row_group_rows: count,
  max_rows_per_file: count.nullable(),
  max_file_bytes: count.nullable(),
});

export type FileOptionsDocument = z.infer<typeof fileOptionsSchema>;
