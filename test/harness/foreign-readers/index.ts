import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { temporaryDirectory } from '../cli.js';
import { saySkipped } from '../skipped.js';

/** Readers of the Python world, which have nothing to do with this project: packages of `.ci/requirements.txt`. */
type ForeignReader =
  | 'spark'
  | 'spark_by_rows'
  | 'spark_scanned'
  | 'pushed_down'
  | 'polars'
  | 'pyarrow'
  | 'pyarrow_hive'
  | 'duckdb'
  | 'duckdb_by_ids'
  | 'datafusion'
  | 'datafusion_scanned'
  | 'clickhouse'
  | 'spark_sql'
  | 'spark_comments'
  | 'clickhouse_sql'
  | 'sqlglot'
  | 'iceberg'
  | 'field_ids';

export interface ReadTask {
  readonly reader: ForeignReader;
  /** Absolute; a directory or a file, as the reader takes it. */
  readonly path: string;
  /** Expressions, types by field id, conditions, or the reader whose filters are tried. */
  readonly columns?: readonly string[];
}

export interface ReadAnswer {
  readonly rows?: readonly (readonly unknown[])[];
  readonly error?: string;
}

const python = process.env['LAKEPORT_TEST_PYTHON'];
const SCRIPT = fileURLToPath(new URL('read.py', import.meta.url));

/** Why these readers can't be asked here; undefined where they can. Printed, so that nobody takes skipped for passed. */
export function whyNoForeignReaders(): string | undefined {
  const reason =
    python === undefined
      ? 'LAKEPORT_TEST_PYTHON is not set'
      : spawnSync('java', ['-version']).status === 0
        ? undefined
        : 'java, which Spark needs, is not installed';
  if (reason !== undefined) saySkipped('Spark, polars, pyarrow, DuckDB, DataFusion, ClickHouse and Iceberg', reason);
  return reason;
}

/** Answers by the tasks' names. One process does all of them, since Spark takes ten seconds to start. */
export async function readByForeign<Name extends string>(
  tasks: Readonly<Record<Name, ReadTask>>,
): Promise<Record<Name, ReadAnswer>> {
  if (python === undefined) throw new Error('LAKEPORT_TEST_PYTHON is not set');
  const home = await temporaryDirectory();
  try {
    const file = path.join(home.path, 'tasks.json');
    const list = Object.entries<ReadTask>(tasks).map(([id, task]) => ({ id, ...task }));
    await writeFile(file, JSON.stringify(list));
    const { stdout } = await promisify(execFile)(python, [SCRIPT, file], { maxBuffer: 64 << 20, cwd: home.path });
    // The script answers every task.
    return JSON.parse(stdout) as Record<Name, ReadAnswer>;
  } finally {
    await home.remove();
  }
}
