import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SCHEMA } from './lineitem/table.js';
import type { MeasuredCommand } from './measured-process.js';

/** One way to get the table out of the server. */
export interface Contender {
  readonly name: string;
  readonly commands: readonly MeasuredCommand[];
  /** Bytes written by a run; undefined for contenders that discard everything. */
  written(): number | undefined;
}

export interface ContenderOptions {
  readonly url: string;
  readonly table: string;
  /** Pages of the table. */
  readonly pages: number;
  /** Partition methods of lineitem, side by side, instead of other programs. */
  readonly methods?: boolean;
}

/** Each with two readers; all but the first are read by an indexed key, or by one of few values. */
const METHODS = [
  'Ctid::2',
  'RangeId:l_orderkey:2',
  'Ntile:l_orderkey:2',
  'Random:l_orderkey:2',
  'DataDriven:l_shipmode:2',
  'Timepartition:(l_shipdate,year):2',
] as const;

const BIN = fileURLToPath(new URL('../bin/lakeport.js', import.meta.url));
const DISCARD = fileURLToPath(new URL('./copy-discard.js', import.meta.url));
const DUCKDB = fileURLToPath(new URL('./duckdb-from-csv.ts', import.meta.url));
const DUCKDB_POSTGRES = fileURLToPath(new URL('./duckdb-postgres.py', import.meta.url));
const PYTHON = process.env['LAKEPORT_TEST_PYTHON'] ?? 'python3';

/** Everything measured, in the order of a round, and what to clean up afterwards. */
export function contenders(options: ContenderOptions): { list: Contender[]; directory: string } {
  const directory = mkdtempSync(path.join(tmpdir(), 'lakeport-bench-'));
  const auth = path.join(directory, 'auth.json');
  const info = { connection_string: options.url };
  writeFileSync(auth, JSON.stringify({ bench: { ds_type: 'postgres', auth_mode: 'classic', info } }), { mode: 0o600 });
  const { table } = options;
  const lakeport = (codec: string, readers: number) => lakeportContender({ auth, directory, table, codec, readers });
  if (options.methods === true) {
    const byMethod = (method: string) =>
      lakeportContender({ auth, directory, table, codec: 'Snappy', readers: 2, method });
    return { list: [floor(options, hasPsql() ? psql : discard), ...METHODS.map(byMethod)], directory };
  }
  const list = [lakeport('Snappy', 1), lakeport('Snappy', 2), lakeport('Zstd', 1), lakeport('Zstd', 2)];
  if (hasDuckdbPostgres())
    list.push(duckdbPostgres(options, directory, 'snappy'), duckdbPostgres(options, directory, 'zstd'));
  else
    console.log(`skipped: DuckDB's postgres extension, which ${PYTHON} does not have (see bench/duckdb-postgres.py)`);
  if (!hasPsql()) {
    console.log('skipped: psql | DuckDB, because psql is not installed; the floor is read by Node.js');
    return { list: [floor(options, discard), ...list], directory };
  }
  return {
    // Only lineitem has no types that CSV loses.
    list: [
      floor(options, psql),
      ...list,
      ...(table === 'lineitem' ? [duckdb(options, directory, 'snappy'), duckdb(options, directory, 'zstd')] : []),
    ],
    directory,
  };
}

/** What the server can deliver: two binary COPYs of half the table each, discarded. */
function floor({ url, table, pages }: ContenderOptions, reader: typeof psql): Contender {
  const half = Math.floor(pages / 2);
  const copy = (condition: string) =>
    reader(url, `COPY (SELECT * FROM ${SCHEMA}.${table} WHERE ${condition}) TO STDOUT (FORMAT binary)`);
  return {
    name: 'floor: 2 × COPY, thrown away',
    commands: [copy(`ctid < '(${half},0)'`), copy(`ctid >= '(${half},0)'`)],
    written: () => undefined,
  };
}

function lakeportContender(options: {
  auth: string;
  directory: string;
  table: string;
  codec: string;
  readers: number;
  /** `METHOD:KEY:DEGREE`; the automatic choice by default. */
  method?: string;
}): Contender {
  const { auth, directory, table, codec, readers, method } = options;
  const target = path.join(directory, `${codec}-${method?.replaceAll(/\W+/g, '-') ?? readers}`);
  const args = ['-a', auth, '--source_db_auth_id', 'bench', '--output_dir', target, '-i', `${SCHEMA}.${table}`];
  const byMethod = method === undefined ? [] : ['--table_config', `${SCHEMA}.${table}:${method}`];
  return {
    name: method ?? `lakeport ${codec}, ${readers} reader${readers === 1 ? '' : 's'}`,
    commands: [
      {
        command: process.execPath,
        args: [
          BIN,
          ...args,
          '--compression_type',
          codec,
          '-p',
          String(readers),
          '--n_jobs',
          '1',
          '--quiet',
          ...byMethod,
        ],
      },
    ],
    written: () => parquetBytes(path.join(target, SCHEMA, table)),
  };
}

function duckdb({ url, table }: ContenderOptions, directory: string, codec: string): Contender {
  const file = path.join(directory, `duckdb-${codec}.parquet`);
  return {
    name: `psql CSV | DuckDB ${codec}`,
    // A pipe of the shell's: what Node calls a pipe is a socket, which DuckDB can't open as a file.
    commands: [
      {
        command: 'bash',
        args: [
          ...['-o', 'pipefail', '-c', 'psql -X -q -d "$0" -c "$1" | "$2" --import tsx "$3" "$4" "$5"'],
          ...[url, `COPY ${SCHEMA}.${table} TO STDOUT (FORMAT csv)`, process.execPath, DUCKDB, file, codec],
        ],
      },
    ],
    written: () => statSync(file).size,
  };
}

/** DuckDB's own scanner of PostgreSQL, with as many connections and threads as it wants on two cores. */
function duckdbPostgres({ url, table }: ContenderOptions, directory: string, codec: string): Contender {
  const file = path.join(directory, `duckdb-postgres-${codec}.parquet`);
  return {
    name: `DuckDB's postgres ${codec}`,
    commands: [{ command: PYTHON, args: [DUCKDB_POSTGRES, url, `${SCHEMA}.${table}`, file, codec] }],
    written: () => statSync(file).size,
  };
}

function hasDuckdbPostgres(): boolean {
  try {
    execFileSync(PYTHON, [DUCKDB_POSTGRES], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function psql(url: string, statement: string): MeasuredCommand {
  return { command: 'psql', args: ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', statement] };
}

function discard(url: string, statement: string): MeasuredCommand {
  return { command: process.execPath, args: [DISCARD, url, statement] };
}

function hasPsql(): boolean {
  try {
    execFileSync('psql', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function parquetBytes(directory: string): number {
  // Methods by value write below a directory of each.
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.parquet'),
  );
  return files.reduce((total, name) => total + statSync(path.join(directory, name)).size, 0);
}

export function clearAway(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}
