import { z } from 'zod';

/** What was asked for of a dataset, if not all rows of a table: the same fields in every JSON document. */
export const requestedSchema = z.strictObject({
  query: z.string().optional().describe('The SQL whose rows these are'),
  where: z.array(z.string()).readonly().optional().describe('Conditions that the rows meet'),
  sample: z
    .union([z.strictObject({ percent: z.number() }), z.strictObject({ rows: z.number() })])
    .optional()
    .describe('Some rows instead of all: about a share of them, or at most this many'),
});

export type RequestedDocument = z.infer<typeof requestedSchema>;
