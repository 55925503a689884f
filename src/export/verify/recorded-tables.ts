import type { Storage } from '../../storage/storage.js';
import type { DescribedTable, TableFormat } from '../formats/table-format.js';
import type { Difference } from './difference.js';
import type { ExpectedFile } from './verify-file.js';
import type { ExpectedTable } from './verify-tables.js';

/** A published table as the run log has it. */
export interface RecordedTable {
  readonly runId: string;
  readonly schema: string | undefined;
  readonly name: string;
  readonly storage: Storage;
  /** Relative to the storage's base. */
  readonly directory: string;
  readonly files: readonly ExpectedFile[];
}

/**
 * What a published table should be, from the run log and the table's manifest: what the two say differently is a
 * difference, and the log counts.
 */
export async function expectedOf(recorded: RecordedTable, format: TableFormat): Promise<ExpectedTable> {
  const { storage, directory, files, schema, name } = recorded;
  const path = format.descriptionPath(directory);
  const byLog = { schema, name, storage, directory, files, columns: undefined, differences: [], isGone: false };
  // The run wrote no manifests.
  if (path === undefined) return byLog;
  const shown = storage.display(path);
  const content = await storage.get(path);
  const description = content === undefined ? { problem: 'none' } : format.readDescription(content, path);
  if ('problem' in description) {
    const difference = { check: 'manifest' as const, path: shown, expected: 'a manifest', found: description.problem };
    return { ...byLog, differences: [difference] };
  }
  const { table } = description;
  if (table.runId !== recorded.runId) {
    const difference = { check: 'run' as const, path: shown, expected: recorded.runId, found: table.runId };
    return { ...byLog, differences: [difference], isGone: true };
  }
  return {
    ...byLog,
    columns: table.columns,
    deleted: table.deleted,
    origin: table.origin,
    files: mergedFiles(recorded, table),
    differences: manifestDifferences(recorded, table, shown),
  };
}

/** Only the manifest has the sizes of row groups. */
function mergedFiles({ files }: RecordedTable, table: DescribedTable): ExpectedFile[] {
  const logged = new Map(files.map((file) => [file.name, file]));
  const described = new Map(table.files.map((file) => [file.name, file]));
  return [...new Set([...described.keys(), ...logged.keys()])].flatMap((name) => {
    const file = described.get(name);
    const record = logged.get(name);
    if (file === undefined) return record ?? [];
    const { rows, bytes, sha256 } = record ?? file;
    return { ...file, rows, bytes, sha256 };
  });
}

/** A log that was switched off for a while has no files. */
function manifestDifferences({ files }: RecordedTable, table: DescribedTable, path: string): Difference[] {
  if (files.length === 0) return [];
  const text = (file: ExpectedFile | undefined) =>
    file === undefined ? 'none' : `${file.name}: ${file.rows} rows, ${file.bytes} bytes, ${file.sha256}`;
  // The run is one of several syncs.
  const known = table.origin.isSynced ? files : [...files, ...table.files];
  const names = new Set(known.map(({ name }) => name));
  return [...names].flatMap((name): Difference[] => {
    const expected = text(files.find((file) => file.name === name));
    const found = text(table.files.find((file) => file.name === name));
    return expected === found ? [] : [{ check: 'manifest', path, expected, found }];
  });
}
