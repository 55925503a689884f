import type { Compat } from '../../columns/compat.js';
import { manifestBytes, tableManifest } from './manifest.js';
import { directoryOf, joinPath, nameOf } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { Slice, Snapshot } from '../../sources/source.js';
import type { PublishedFile } from '../model/observer.js';
import type { RunPlan } from '../model/plan.js';
import { publishInOrder, type StagedTable } from './publish-order.js';
import { type FinishedTable, lostBoundsOf, unrepresentableOf } from '../model/finished-table.js';

import type { StagedFile } from '../model/slice-outcome.js';

export interface PublicationContext {
  readonly runId: string;
  readonly engine: string;
  readonly compat: Compat | undefined;
  readonly plan: RunPlan;
  /** The run's snapshot, for tables without one of their own. */
  readonly snapshot: Snapshot;
  readonly storage: Storage;
}

interface SlicePart {
  readonly slice: Slice;
  readonly file: StagedFile;
}

/** Publishes a fully staged table. Returns its files under their final names. */
export async function publishTable(
  table: FinishedTable,
  context: PublicationContext,
): Promise<readonly PublishedFile[]> {
  const { storage } = context;
  const { directory, storageId } = table.plan;
  const parts = table.outcomes.flatMap(({ slice, outcome }) =>
    outcome.files.map((file): SlicePart => ({ slice, file })),
  );
  const names = await publishInOrder(stagedTable(table, parts, context));
  return parts.map(({ slice, file }, index) => {
    const path = joinPath(directory, names[index] ?? '');
    return {
      slice: slice.index,
      storageId,
      path,
      displayPath: storage.display(path),
      rows: file.rows,
      bytes: file.part.bytes,
      sha256: file.part.sha256,
      rowGroups: file.rowGroups.length,
    };
  });
}

/** The table's directory, relative to that of its manifest. */
function directoryFrom({ directory, manifest }: FinishedTable['plan']): string {
  return manifest === undefined || directoryOf(manifest.path) === directory ? '.' : nameOf(directory);
}

/** The table as input for publishing: its files in order, and its manifest. */
function stagedTable(table: FinishedTable, parts: readonly SlicePart[], context: PublicationContext): StagedTable {
  const { runId, engine, compat, plan, storage } = context;
  const snapshot = table.plan.snapshot ?? context.snapshot;
  return {
    storage,
    directory: table.plan.directory,
    manifestPath: table.plan.manifest?.path,
    parts: parts.map(({ slice, file }) => ({
      staged: file.part,
      directory: slice.directory ?? '',
      isPublished: table.published.has(file.part),
    })),
    manifest: (names) =>
      manifestBytes(
        tableManifest({
          runId,
          engine,
          server: plan.server,
          dataset: table.plan.dataset,
          tableKind: table.plan.kind,
          compat,
          rowCheck: table.rowCheck ?? 'not_possible',
          directory: directoryFrom(table.plan),
          snapshot: { ...snapshot, consistency: table.plan.consistency ?? snapshot.consistency },
          storage,
          startedAt: table.startedAt ?? new Date(),
          endedAt: new Date(),
          files: parts.map(({ slice, file }, index) => ({
            name: names[index] ?? '',
            rows: file.rows,
            bytes: file.part.bytes,
            sha256: file.part.sha256,
            partition: { index: slice.index, method: slice.method, bounds: slice.bounds },
            row_groups: file.rowGroups.map(({ rows, bytes }) => ({ rows, bytes })),
          })),
          columns: table.plan.columns.map((column) => column.spec),
          unrepresentable: unrepresentableOf(table),
          lostBounds: lostBoundsOf(table),
        }),
      ),
  };
}
