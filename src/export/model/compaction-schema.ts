import { z } from 'zod';

const count = z.number().int().nonnegative();

/** What merging the files of a table does to its rows. */
export const mergeCountsSchema = z.strictObject({
  rows: count.describe('That the table has afterwards'),
  superseded_rows: count.describe('That were not the last of their keys'),
  deleted_keys: count.optional().describe('Left out, as the source has them no more; absent if not looked for'),
  missing_keys: count.optional().describe('That the source has and no file; absent if not looked for'),
});

/** A compaction: one shape in the documents of an export and of `lakeport compact`. */
export const compactionSchema = z.strictObject({
  number: z.number().int().positive().describe('Counts all that was ever published of the table there'),
  ...mergeCountsSchema.shape,
  files: count.describe('That were written'),
  staying_files: count.describe('That were not, as all their rows stay'),
  bytes: count.describe('Of the files that were written'),
  seconds: z.number(),
});

export type MergeCountsDocument = z.infer<typeof mergeCountsSchema>;
export type CompactionDocument = z.infer<typeof compactionSchema>;
