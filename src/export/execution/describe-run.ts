import { LakeportError } from '../../errors.js';
import { isLostClaim } from '../../runtime/interruption.js';
import type { Storage } from '../../storage/storage.js';
import { writeMetadata } from '../cdm/write-metadata.js';
import type { TableFormat } from '../formats/table-format.js';
import type { RunObserver } from '../model/observer.js';
import type { ExportOptions } from '../model/options.js';
import type { RunResult } from '../model/result.js';
import { routeTables } from '../planning/routing.js';
import type { OpenStorages } from '../publish/open-storages.js';

export interface DescribeRunOptions {
  readonly options: ExportOptions;
  readonly storages: OpenStorages;
  readonly format: TableFormat;
  readonly observer: RunObserver;
  readonly signal: AbortSignal;
}

/**
 * Writes the documents of the Common Data Model for the tables of a run, if they are asked for. While the run has its
 * locks; a run that was interrupted, or has published nothing, leaves them as they are.
 * @returns the result, with the documents
 */
export async function describeRun(result: RunResult, run: DescribeRunOptions): Promise<RunResult> {
  const { options, observer, signal } = run;
  const isPublished = result.tables.some(({ state }) => state === 'completed');
  if (options.generateMetadata !== true || isInterrupted(signal) || !isPublished) return result;
  try {
    const metadata = await writeRunMetadata(result, run);
    const { manifests, entityFiles } = metadata;
    const written = `${manifests.length} manifests and ${entityFiles.length} entity files`;
    observer.message?.('info', `Wrote ${written} of the Common Data Model`, { event: 'metadata_written' });
    return { ...result, metadata };
  } catch (thrown) {
    const error = LakeportError.from(thrown);
    if (isInterrupted(signal)) return { ...result, exit: result.exit ?? error.exit };
    if (isLostClaim(error)) return { ...result, metadata: { error: error.toData() }, exit: error.exit };
    return { ...result, metadata: { error: error.toData() }, exit: result.exit ?? 'tables-failed' };
  }
}

function isInterrupted({ aborted }: AbortSignal): boolean {
  return aborted;
}

async function writeRunMetadata(
  { runId, tables }: RunResult,
  { options, storages, format, signal }: DescribeRunOptions,
): ReturnType<typeof writeMetadata> {
  // Tables that an earlier attempt has published are in no plan.
  const destinations = await routeTables(
    tables.map(({ table }) => ({ id: table })),
    options,
    storages,
  );
  const placed = tables.map(({ table: id, state }) => {
    const { storageId, directory } = destinations.of(id);
    const storage: Storage = storages.get(storageId);
    return { id, storage, directory, isPublished: state === 'completed' };
  });
  const { manifestName, includeEntityFiles = false } = options;
  return writeMetadata(placed, { runId, format, manifestName, includeEntityFiles, checksFiles: false, signal });
}
