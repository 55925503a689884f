import { z } from 'zod';

import { directoryOf, isSafePath, joinPath, nameOf } from '../../../storage/path.js';
import type { Description } from '../table-format.js';
import { MANIFEST_NAME } from './file-names.js';

/** What is read of a manifest of any version to compare its files with it. It may have been edited by hand. */
const count = z.number().int().nonnegative();
const rowGroup = z.object({ rows: count, bytes: count });
const file = z.object({
  name: z.string().refine((name) => name !== '' && isSafePath(name), 'leads out of the directory'),
  rows: count,
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256'),
  row_groups: z.array(rowGroup),
});
const column = z.object({
  name: z.string(),
  parquet_type: z.string(),
  nullable: z.boolean(),
  null_count: count.optional(),
});
const manifest = z.object({
  run_id: z.string(),
  schema: z.string().optional(),
  table: z.string().optional(),
  /** Version 1 had the names here. */
  source: z.object({ schema: z.string().optional(), table: z.string().optional() }).optional(),
  row_count: count,
  directory: z.string().optional(),
  files: z.array(file),
  columns: z.array(column),
});

const VERSIONS: readonly unknown[] = [1, 2];

/** Whether a path is named as manifests are. */
export function isManifestPath(path: string): boolean {
  const name = nameOf(path);
  return name === MANIFEST_NAME || /^_.+\.manifest\.json$/.test(name);
}

/** @param path of the manifest, relative to the storage's base */
export function readDescription(bytes: Uint8Array, path: string): Description {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { problem: 'It is not JSON' };
  }
  const version = typeof parsed === 'object' && parsed !== null && 'format_version' in parsed && parsed.format_version;
  if (!VERSIONS.includes(version)) {
    return {
      problem:
        version === false ? 'It has no format_version' : `Its format_version ${JSON.stringify(version)} is unknown`,
    };
  }
  const read = manifest.safeParse(parsed);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { problem: `Its field ${issue?.path.join('.') ?? ''} is wrong: ${issue?.message ?? ''}` };
  }
  const found = read.data;
  const directory = tableDirectory(path, found.directory);
  if (directory === undefined) return { problem: 'Its directory leads elsewhere' };
  const rows = found.files.reduce((sum, each) => sum + each.rows, 0);
  if (rows !== found.row_count)
    return { problem: `Its row_count is ${found.row_count}, and its files have ${rows} rows` };
  return {
    table: {
      runId: found.run_id,
      schema: found.schema ?? found.source?.schema,
      name: found.table ?? found.source?.table ?? nameOf(directory),
      directory,
      files: found.files.map(({ row_groups: rowGroups, ...each }) => ({ ...each, rowGroups })),
      columns: found.columns.map(({ name, parquet_type: type, nullable, null_count: nulls }) => ({
        name,
        type,
        nullable,
        nulls,
      })),
    },
  };
}

/** Undefined for anything but the manifest's own directory, and the one that it stands beside. */
function tableDirectory(path: string, directory = '.'): string | undefined {
  if (directory === '.') return directoryOf(path);
  return isSafePath(directory) && !directory.includes('/') ? joinPath(directoryOf(path), directory) : undefined;
}
