import pLimit from 'p-limit';

import { LakeportError } from '../../errors.js';
import { fastestKernels } from '../../kernels/kernels.js';
import type { StagedPart, Storage } from '../../storage/storage.js';
import { directoryOf, joinPath } from '../../storage/path.js';
import { StoredFile } from '../../storage/stored-file.js';
import { openStorage } from '../../stores.js';
import { stagedNaming } from '../formats/staged-naming.js';
import type { MergeableFile } from '../formats/table-format.js';
import type { StagedFile } from '../model/slice-outcome.js';
import { DeletedKeys } from './deleted-keys.js';
import { findLastRows } from './last-rows.js';
import { mergeParts } from './merge-parts.js';
import { planMerge } from './merge-plan.js';
import { Part } from './parts.js';
import type { CompactOutcome, CompactTask } from './protocol.js';
import { SourceKeys } from './source-keys.js';
import { stayingFile, stayingParts } from './staying-parts.js';

/** Footers read at once. */
const FOOTERS_AT_ONCE = 8;
/** Size at which a merged file ends if nothing else was asked for: readers go through several files at once. */
const FILE_BYTES = 512 << 20;

export interface CompactListener {
  readonly onProgress: (rows: number) => void;
  readonly onStaged: (part: StagedPart) => void;
}

/**
 * Merges the files of a table, or finds the keys that its source has no more.
 * @throws LakeportError; files that were reported as staged still exist then
 */
export async function compactFiles(
  task: CompactTask,
  listener: CompactListener,
  signal: AbortSignal,
): Promise<CompactOutcome> {
  const storage = await openStorage(task.target);
  try {
    const { table } = task;
    const parts = await openParts(storage, table.directory, table.files);
    const deletions = await openParts(
      storage,
      table.directory,
      table.deleted.map((file) => ({ ...file, levels: {} })),
    );
    return await compactParts({ task, storage, parts, deletions, listener, signal });
  } finally {
    await storage.close();
  }
}

interface Compacting {
  readonly task: CompactTask;
  readonly storage: Storage;
  readonly parts: readonly Part[];
  readonly deletions: readonly Part[];
  readonly listener: CompactListener;
  readonly signal: AbortSignal;
}

async function compactParts({
  task,
  storage,
  parts,
  deletions,
  listener,
  signal,
}: Compacting): Promise<CompactOutcome> {
  const plan = planMerge(task.table, parts);
  const { columns, key, cursor } = plan;
  const { maxFileBytes = FILE_BYTES, ...options } = task.table.fileOptions;
  const files = { ...options, maxFileBytes, footer: plan.footer };
  const bytes = task.table.files.reduce((sum, file) => sum + file.bytes, 0);
  const stage = { runId: task.runId, expectedBytes: Math.min(bytes, maxFileBytes) };
  const naming = stagedNaming();
  const openPart = (name: string) => storage.stage(joinPath(task.table.directory, name), stage);
  const onStaged = ({ part }: StagedFile) => listener.onStaged(part);
  const keys = task.keys && new SourceKeys(task.keys, { key, signal });
  const deleted =
    task.result === 'deleted'
      ? new DeletedKeys(key, { files, openPart: () => openPart(naming.deletedName(task.number)), onStaged })
      : undefined;
  try {
    const onDeleted = deleted && ((told: readonly Uint8Array[]) => deleted.add(told));
    const { keysAtOnce } = task;
    const last = await findLastRows({
      ...{ parts, deletions, key, cursor, present: keys, onDeleted, signal, keysAtOnce },
    });
    const counts = {
      rowsBefore: parts.reduce((sum, { footer }) => sum + footer.rows, 0),
      rows: last.keptRows,
      deletedKeys: last.deletedKeys,
      missingKeys: last.missingKeys,
    };
    const unchanged = { ...counts, files: [], staying: [], columns };
    if (task.result !== 'merge') return { ...unchanged, deleted: await deleted?.finish() };
    const { lastWhole } = task.table;
    const staying = stayingParts(parts, { last, columns, files, lastWhole, leastBytes: task.stayingBytes });
    const merged = await mergeParts({
      ...{ parts, staying, last, columns, files, onStaged, signal, onProgress: listener.onProgress },
      memory: fastestKernels()?.columns,
      openPart: ({ index, directory }) => {
        const position = { slice: { index }, isOnlySlice: false, sync: task.number };
        return openPart(joinPath(directory, naming.stagedName(position, 0)));
      },
    });
    return { ...unchanged, files: merged, staying: Array.from(staying, (part) => stayingFile(part, columns)) };
  } catch (error) {
    await deleted?.abort();
    throw error;
  } finally {
    await keys?.close();
  }
}

async function openParts(
  storage: Storage,
  directory: string,
  files: readonly MergeableFile[],
): Promise<readonly Part[]> {
  const limit = pLimit(FOOTERS_AT_ONCE);
  return Promise.all(
    files.map(({ name, sync, levels }) =>
      limit(async () => {
        const path = joinPath(directory, name);
        const file = await StoredFile.find(storage, path);
        if (file === undefined) throw fileGone(storage.display(path));
        return Part.open({ file, name, sync, directory: directoryOf(name), levels });
      }),
    ),
  );
}

function fileGone(path: string): LakeportError {
  return new LakeportError({
    code: 'SYNC_FILES_MISSING',
    message: `${path} is in the manifest of its table, and is not there`,
    hint: 'Put it back, or read the table again with --reset-watermarks.',
    context: { path },
  });
}
