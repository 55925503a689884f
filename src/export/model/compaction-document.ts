import type { CompactionDocument, MergeCountsDocument } from './compaction-schema.js';
import type { MergeCounts, TableCompaction } from './table-compaction.js';

/** A compaction, as every JSON document has it. */
export function compactionDocument(compaction: TableCompaction): CompactionDocument {
  const { number, files, stayingFiles, bytes, seconds } = compaction;
  return { number, ...mergeCountsDocument(compaction), files, staying_files: stayingFiles, bytes, seconds };
}

export function mergeCountsDocument({
  rows,
  supersededRows,
  deletedKeys,
  missingKeys,
}: MergeCounts): MergeCountsDocument {
  return {
    rows,
    superseded_rows: supersededRows,
    ...(deletedKeys !== undefined && { deleted_keys: deletedKeys }),
    ...(missingKeys !== undefined && { missing_keys: missingKeys }),
  };
}
