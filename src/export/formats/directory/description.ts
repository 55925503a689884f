import { z } from 'zod';

import { directoryOf, isSafePath, joinPath, nameOf } from '../../../storage/path.js';
import type { DescribedColumn, DescribedOrigin, Description } from '../table-format.js';
import { MANIFEST_NAME } from './file-names.js';

/** What is read of a manifest of any version. It may have been edited by hand. */
const count = z.number().int().nonnegative();
/** Left out if it is not as expected: only needed to describe the table elsewhere. */
const text = z.string().optional().catch(undefined);
const names = z.array(z.string());
const rowGroup = z.object({ rows: count, bytes: count });
const written = z.object({
  name: z.string().refine((name) => name !== '' && isSafePath(name), 'leads out of the directory'),
  rows: count,
  bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256'),
});
const file = written.extend({
  row_groups: z.array(rowGroup),
  /** Version 1 had the slice here. */
  sync: count.optional(),
  partition: z.record(z.string(), z.string().nullable()).optional().catch(undefined),
});
const column = z.object({
  name: z.string(),
  parquet_type: z.string(),
  nullable: z.boolean(),
  null_count: count.optional(),
  ...{ source_type: text, comment: text, mask: text, added: text },
  text_by_values: z.boolean().optional(),
  unrepresentable: count.optional(),
  ...{ added_in: count.optional(), dropped_in: count.optional() },
});
const level = z.object({
  name: z.string(),
  source_type: z.string().nullish().catch(undefined),
  ...{ parquet_type: text, comment: text },
});
const foreignKey = z.object({
  name: text,
  columns: names,
  references: z.object({ schema: z.string(), table: z.string(), columns: names }),
});
const manifest = z.object({
  run_id: z.string(),
  schema: z.string().optional(),
  table: z.string().optional(),
  /** Version 1 had the names here. */
  source: z
    .object({
      schema: z.string().optional(),
      table: z.string().optional(),
      entry: z.string().nullish(),
      database: z.string().nullish().catch(undefined),
    })
    .optional(),
  query: z.string().optional(),
  where: z.array(z.string()).optional(),
  sample: z.unknown().optional(),
  snapshot: z.object({ id: z.string().nullish(), taken_at: z.string().optional() }).optional(),
  compat: z.string().nullish(),
  row_count: count,
  directory: z.string().optional(),
  files: z.array(file),
  deleted: z.array(written).optional(),
  columns: z.array(column),
  partition_columns: z.array(level).optional().catch(undefined),
  ...{ engine: text, comment: text },
  primary_key: z.object({ columns: names }).optional().catch(undefined),
  foreign_keys: z.array(foreignKey).optional().catch(undefined),
  incremental: z.unknown().optional(),
  ended_at: z.iso.datetime().optional().catch(undefined),
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
      files: found.files.map(({ row_groups: rowGroups, partition: levels = {}, ...each }) => {
        return { ...each, sync: each.sync, rowGroups, levels };
      }),
      deleted: found.deleted ?? [],
      columns: found.columns.map(describedColumn),
      levels: (found.partition_columns ?? []).map(({ name, parquet_type: type, source_type: sourceType, comment }) => {
        return { name, type, sourceType: sourceType ?? undefined, comment };
      }),
      engine: found.engine,
      database: found.source?.database ?? undefined,
      origin: originOf(found),
      comment: found.comment,
      primaryKey: found.primary_key?.columns,
      foreignKeys: (found.foreign_keys ?? []).map(({ references: { schema, table, columns }, ...key }) => {
        return { name: key.name, columns: key.columns, references: { table: { schema, name: table }, columns } };
      }),
      endedAt: found.ended_at === undefined ? undefined : new Date(found.ended_at),
    },
  };
}

type ReadManifest = z.infer<typeof manifest>;

function describedColumn(found: ReadManifest['columns'][number]): DescribedColumn {
  const { name, parquet_type: type, nullable, null_count: nulls, source_type: sourceType, mask, added } = found;
  const { text_by_values: isTextByValues = false, unrepresentable = 0 } = found;
  return {
    name,
    type,
    nullable,
    nulls,
    sourceType,
    comment: found.comment,
    mask,
    isTextByValues,
    isAdded: added !== undefined,
    unrepresentable,
    addedIn: found.added_in,
    droppedIn: found.dropped_in,
  };
}

function originOf(found: ReadManifest): DescribedOrigin {
  const {
    engine,
    source,
    query,
    where: predicates = [],
    sample,
    snapshot,
    compat,
    partition_columns: levels = [],
    incremental,
  } = found;
  return {
    engine,
    entry: source?.entry ?? undefined,
    database: source?.database ?? undefined,
    query,
    predicates,
    isSample: sample !== undefined && sample !== null,
    isSynced: incremental !== undefined,
    seen: { snapshot: snapshot?.id ?? undefined, takenAt: snapshot?.taken_at },
    compat: compat ?? undefined,
    levels: levels.map(({ name }) => name),
  };
}

/** Undefined for anything but the manifest's own directory, and the one that it stands beside. */
function tableDirectory(path: string, directory = '.'): string | undefined {
  if (directory === '.') return directoryOf(path);
  return isSafePath(directory) && !directory.includes('/') ? joinPath(directoryOf(path), directory) : undefined;
}
