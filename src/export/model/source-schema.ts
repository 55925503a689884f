import { z } from 'zod';

/** The source of a run: one shape in every JSON document. What is not known is null. */
export const sourceSchema = z.strictObject({
  entry: z.string().nullable().describe('Id of the entry of the auth file'),
  product: z.string().nullable(),
  address: z.string().nullable(),
  database: z.string().nullable(),
});

export type SourceDocument = z.infer<typeof sourceSchema>;
