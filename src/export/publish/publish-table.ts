import type { Compat } from '../../columns/compat.js';
import type { FileOptions } from '../../parquet/file-options.js';
import { joinPath } from '../../storage/path.js';
import type { Storage } from '../../storage/storage.js';
import type { Snapshot } from '../../sources/source.js';
import type { DeletedFile, StagedTable, TableFormat, TableOrigin } from '../formats/table-format.js';
import { type FinishedTable, lostBoundsOf, unrepresentableOf } from '../model/finished-table.js';
import type { PublishedFile } from '../model/observer.js';
import { columnSpecs, type RunPlan } from '../model/plan.js';
import { sourceDocument } from '../model/source-document.js';

export interface PublicationContext {
  readonly runId: string;
  /** Id of the source's entry of the auth file. */
  readonly sourceId: string;
  readonly engine: string;
  readonly compat: Compat | undefined;
  readonly files: FileOptions;
  readonly plan: RunPlan;
  /** The run's snapshot, for tables without one of their own. */
  readonly snapshot: Snapshot;
  readonly format: TableFormat;
  readonly storage: Storage;
  /** Keys of rows that the source has no more, of a table that is synced. */
  readonly deleted?: DeletedFile | undefined;
}

/** Publishes a fully staged table. Returns its files under their final names. */
export async function publishTable(
  table: FinishedTable,
  context: PublicationContext,
): Promise<readonly PublishedFile[]> {
  const { storage, format, deleted } = context;
  const { directory, storageId } = table.plan;
  const files = stagedFiles(table);
  const names = await format.publish(
    { directory, files, origin: originOf(table, context), sync: table.plan.sync, deleted },
    storage,
  );
  return files.map(({ slice, staged }, index) => {
    const path = joinPath(directory, names[index] ?? '');
    return {
      slice: slice.index,
      storageId,
      path,
      displayPath: storage.display(path),
      rows: staged.rows,
      bytes: staged.part.bytes,
      sha256: staged.part.sha256,
      rowGroups: staged.rowGroups.length,
    };
  });
}

/** In the order of the rows. */
function stagedFiles({ outcomes, published }: FinishedTable): StagedTable['files'] {
  return outcomes.flatMap(({ slice, outcome }) =>
    outcome.files.map((staged) => ({ staged, slice, isPublished: published.has(staged.part) })),
  );
}

function originOf(table: FinishedTable, context: PublicationContext): TableOrigin {
  const { runId, sourceId, engine, compat, files, plan } = context;
  const snapshot = table.plan.snapshot ?? context.snapshot;
  return {
    runId,
    source: sourceDocument(sourceId, plan.server),
    engine,
    dataset: table.plan.dataset,
    tableKind: table.plan.kind,
    metadata: table.plan.metadata,
    compat,
    files,
    rowCheck: table.rowCheck ?? 'not_possible',
    snapshot: { ...snapshot, consistency: table.plan.consistency ?? snapshot.consistency },
    startedAt: table.startedAt ?? new Date(),
    columns: columnSpecs(table.plan),
    partitionedBy: table.plan.partitionedBy,
    unrepresentable: unrepresentableOf(table),
    lostBounds: lostBoundsOf(table),
  };
}
