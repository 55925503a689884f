import { createColumnBuffers } from '../../columns/column-buffers.js';
import type { ColumnBuffer } from '../../columns/column-buffer.js';
import type { ColumnSpec } from '../../columns/column-spec.js';
import { LakeportError } from '../../errors.js';
import type { Memory } from '../../kernels/kernels.js';
import type { FileOptions } from '../../parquet/file-options.js';
import type { RowGroupFacts } from '../../parquet-reader/footer.js';
import type { PartWriter } from '../../storage/storage.js';
import type { StagedFile } from '../model/slice-outcome.js';
import { SliceSink } from '../worker/slice-sink.js';
import type { Part } from './parts.js';
import type { LastRows } from './last-rows.js';

/** Most rows that are copied at once. */
const BATCH_ROWS = 1024;
/** Bytes of values that are copied at once, about. */
const BATCH_BYTES = 4 << 20;

export interface Merge {
  /** In the order of the rows. */
  readonly parts: readonly Part[];
  /** Those that are not merged. */
  readonly staying: ReadonlySet<Part>;
  readonly last: LastRows;
  readonly columns: readonly ColumnSpec[];
  readonly files: FileOptions;
  /** Default: ordinary arrays. */
  readonly memory?: Memory | undefined;
  /** Opens a new file; `index` counts from 0 over all directories. */
  readonly openPart: (file: { readonly index: number; readonly directory: string }) => Promise<PartWriter>;
  /** Called for each new file that is complete. */
  readonly onStaged: (file: StagedFile) => void;
  /** Called with the rows that were gone through so far. */
  readonly onProgress?: ((rows: number) => void) | undefined;
  readonly signal: AbortSignal;
}

/** A new file, and where it belongs. */
export interface StagedMerge {
  readonly staged: StagedFile;
  /** Hive-style directories below the table's; empty for none. */
  readonly directory: string;
  readonly levels: Readonly<Record<string, string | null>>;
}

/**
 * Writes the last rows of parts to new files, values as they are stored, row group by row group: no more than one of
 * those that are read is in memory, compressed, and one that is written. Each row stays in its directory; a table without
 * rows gets one file without any.
 * @throws LakeportError if a file cannot be read, or a column cannot become what it is in later files
 */
export async function mergeParts(merge: Merge): Promise<StagedMerge[]> {
  const { parts, last, columns: specs, memory } = merge;
  const columns = createColumnBuffers(specs, { rowGroupRows: merge.files.rowGroupRows, memory });
  const merged: StagedMerge[] = [];
  const starts = startsOf(parts);
  const progress = { rows: 0 };
  for (const [directory, inside] of byDirectory(parts)) {
    if (inside.every((part) => merge.staying.has(part))) continue;
    const { levels = {} } = inside[0]?.source ?? {};
    const sink = new SliceSink({
      columns,
      files: merge.files,
      openPart: (file) => merge.openPart({ index: merged.length + file, directory }),
      onStaged: merge.onStaged,
      onProgress: () => undefined,
    });
    try {
      for (const part of inside.filter((one) => !merge.staying.has(one)))
        await copyPart(part, starts.get(part) ?? 0, { merge, sink, columns, progress });
      await sink.finish({ emptyFile: false });
    } catch (error) {
      await sink.abort();
      throw error;
    }
    merged.push(...sink.files.map((staged) => ({ staged, directory, levels })));
  }
  if (merged.length === 0 && merge.staying.size === 0) merged.push(await emptyFile(merge, columns));
  const staying = [...merge.staying].reduce((sum, { footer }) => sum + footer.rows, 0);
  const written = merged.reduce((sum, { staged }) => sum + staged.rows, 0);
  if (staying + written !== last.keptRows) throw otherCount(last.keptRows - staying, written);
  return merged;
}

function startsOf(parts: readonly Part[]): ReadonlyMap<Part, number> {
  let first = 0;
  return new Map(
    parts.map((part) => {
      const start = first;
      first += part.footer.rows;
      return [part, start];
    }),
  );
}

function byDirectory(parts: readonly Part[]): ReadonlyMap<string, readonly Part[]> {
  const grouped = new Map<string, Part[]>();
  for (const part of parts) {
    const inside = grouped.get(part.source.directory);
    if (inside === undefined) grouped.set(part.source.directory, [part]);
    else inside.push(part);
  }
  return grouped;
}

interface Copying {
  readonly merge: Merge;
  readonly sink: SliceSink;
  readonly columns: readonly ColumnBuffer[];
  readonly progress: { rows: number };
}

async function copyPart(part: Part, first: number, copying: Copying): Promise<void> {
  const { merge, progress } = copying;
  let row = first;
  for (const group of part.footer.rowGroups) {
    merge.signal.throwIfAborted();
    if (merge.last.kept.count(row, row + group.rows) > 0) await copyGroup(part, { group, first: row }, copying);
    row += group.rows;
    progress.rows += group.rows;
    merge.onProgress?.(progress.rows);
  }
}

async function copyGroup(
  part: Part,
  { group, first }: { readonly group: RowGroupFacts; readonly first: number },
  { merge, sink, columns }: Copying,
): Promise<void> {
  const copy = await part.copies(group, columns);
  const batchRows = batchRowsOf(group);
  const isKept = new Uint8Array(BATCH_ROWS);
  for (let done = 0; done < group.rows;) {
    const rows = Math.min(group.rows - done, batchRows, sink.room);
    const flags = isKept.subarray(0, rows);
    merge.last.kept.flags(first + done, flags);
    copy.copy(rows, flags);
    const kept = flags.reduce((sum, flag) => sum + flag, 0);
    if (kept > 0) await sink.commit(kept);
    done += rows;
  }
}

function batchRowsOf({ rows, uncompressedBytes }: RowGroupFacts): number {
  const rowBytes = uncompressedBytes / Math.max(rows, 1);
  return Math.max(1, Math.min(BATCH_ROWS, Math.floor(BATCH_BYTES / Math.max(rowBytes, 1))));
}

/** In the first directory that there was. */
async function emptyFile(merge: Merge, columns: readonly ColumnBuffer[]): Promise<StagedMerge> {
  const { directory = '', levels = {} } = merge.parts[0]?.source ?? {};
  const sink = new SliceSink({
    columns,
    files: merge.files,
    openPart: () => merge.openPart({ index: 0, directory }),
    onStaged: merge.onStaged,
    onProgress: () => undefined,
  });
  await sink.finish({ emptyFile: true });
  const [staged] = sink.files;
  if (staged === undefined) throw new TypeError('An empty file was not written');
  return { staged, directory, levels };
}

function otherCount(expected: number, written: number): LakeportError {
  return new LakeportError({
    code: 'ROW_COUNT_DIFFERS',
    message: `${expected} rows are the last of their keys, but ${written} were written`,
    hint: 'This should never happen; please report it.',
  });
}
