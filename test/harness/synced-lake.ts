import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { CliResult } from './cli.js';
import type { CliStore } from './cli-stores/index.js';
import { LoggedUser, type SourceEntry } from './logged-cli.js';
import type { ErrorDocument } from './export-run.js';
import { parseDocument } from './json-document.js';
import { queryDuckDb, quote } from './parquet-readers/duckdb.js';
import type { PostgresServer } from '../servers/postgres.js';

const CRASH_POINTS = new URL('./crash-points.js', import.meta.url).href;
const STORED = ['--target_storage_id', 'lake'];

/** A table of the document of `--json`, as far as tests of syncs look at it. */
export interface SyncedTable {
  readonly table: string;
  readonly state: string;
  readonly rows: number;
  readonly files: number;
  readonly sync?: {
    readonly number: number;
    readonly kind: string;
    readonly lower: string | null;
    readonly upper: string | null;
    readonly nulls: number;
    readonly full_because?: string;
    readonly schema_changes?: readonly string[];
  };
  readonly compaction?: {
    readonly number: number;
    readonly rows: number;
    readonly superseded_rows: number;
    readonly deleted_keys?: number;
    readonly missing_keys?: number;
  };
  readonly deleted_keys?: number;
  readonly error?: ErrorDocument;
}

/**
 * Syncs of a schema's tables to one local directory, by the command line in this process, with a run log; or to a store,
 * whose objects are copied to that directory after each.
 */
export class SyncedLake {
  readonly user: LoggedUser;
  readonly #schema: string;
  readonly #flags: readonly string[];
  readonly #store: CliStore | undefined;

  private constructor(user: LoggedUser, schema: string, flags: readonly string[], store: CliStore | undefined) {
    this.user = user;
    this.#schema = schema;
    this.#flags = flags;
    this.#store = store;
  }

  static async of(
    source: PostgresServer | SourceEntry,
    schema: string,
    flags: readonly string[] = [],
    store?: CliStore,
  ): Promise<SyncedLake> {
    const user = new LoggedUser(source);
    await user.authorize(store === undefined ? {} : { lake: store.entry });
    return new SyncedLake(user, schema, flags, store);
  }

  get flags(): readonly string[] {
    return ['--source_schema_name', this.#schema, ...this.#flags];
  }

  async run(...more: string[]): Promise<CliResult> {
    const result = await this.user.run(...this.#command(), '--json', ...more);
    await this.#copyStore();
    return result;
  }

  /** The tables of a sync that is expected to go well. */
  async sync(...more: string[]): Promise<readonly SyncedTable[]> {
    const result = await this.run(...more);
    if (result.code !== 0) throw new Error(`exit ${String(result.code)}: ${result.stderr}\n${result.stdout}`);
    return tablesOf(result);
  }

  /** The only table of a sync, which may fail. */
  async syncOne(...more: string[]): Promise<SyncedTable> {
    const [table] = tablesOf(await this.run(...more));
    if (table === undefined) throw new Error('The run has no table');
    return table;
  }

  /** A sync that is killed, unless it does not come to this point. */
  async killedAt(point: string, runId: string): Promise<void> {
    const env = {
      NODE_OPTIONS: `--import ${CRASH_POINTS}`,
      LAKEPORT_TEST_CRASH: point,
      LAKEPORT_TEST_CRASH_LOGGED: 'true',
    };
    const kind = this.#store === undefined ? {} : { LAKEPORT_TEST_CRASH_STORE: this.#store.kind };
    await this.user.start([...this.#command(), '--run_id', runId], { env: { ...env, ...kind } }).result;
    await this.#copyStore();
  }

  async resume(runId: string): Promise<CliResult> {
    const result = await this.user.run('--resume', runId, '-a', 'auth.json');
    await this.#copyStore();
    return result;
  }

  /** That the last sync was read from. */
  snapshot(table: string): string {
    return this.manifest(table).incremental.syncs.findLast(({ kind }) => kind !== 'compaction')?.snapshot.id ?? '';
  }

  directory(table: string): string {
    return path.join(this.user.directory, 'out', this.#schema, table);
  }

  get manifestPath(): (table: string) => string {
    return (table) => path.join(this.user.directory, 'out', this.#schema, `_${table}.manifest.json`);
  }

  manifest(table: string): Manifest {
    return JSON.parse(readFileSync(this.manifestPath(table), 'utf8')) as Manifest;
  }

  /** Changes the manifest, as nobody should. */
  editManifest(table: string, change: (manifest: Manifest) => void): void {
    const manifest = this.manifest(table);
    change(manifest);
    writeFileSync(this.manifestPath(table), JSON.stringify(manifest));
  }

  /** Names of all files of the table, temporary ones too. */
  names(table: string): string[] {
    return readdirSync(this.directory(table), { recursive: true, encoding: 'utf8' }).sort();
  }

  /** What readers of the whole directory see. */
  async query(table: string, list: string): Promise<readonly Record<string, unknown>[]> {
    const files = this.names(table).filter((name) => /(^|\/)part-[\d-]+\.parquet$/.test(name));
    const paths = files
      .filter((name) => !name.startsWith('_'))
      .map((name) => quote(path.join(this.directory(table), name)));
    return queryDuckDb(`SELECT ${list} FROM read_parquet([${paths.join(', ')}], union_by_name = true)`);
  }

  #command(): string[] {
    return [...this.user.exportFlags(this.#store && STORED), ...this.flags];
  }

  async #copyStore(): Promise<void> {
    if (this.#store === undefined) return;
    const out = path.join(this.user.directory, 'out');
    rmSync(out, { recursive: true, force: true });
    for (const [name, bytes] of await this.#store.objects()) {
      const file = path.join(out, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, bytes);
    }
  }

  /** The values of an integer column, sorted. */
  async numbers(table: string, column = 'id'): Promise<number[]> {
    const rows = await this.query(table, `"${column}"::INTEGER AS value`);
    return rows.map(({ value }) => Number(value)).sort((a, b) => a - b);
  }
}

interface Manifest {
  row_count: number;
  run_id: string;
  files: { name: string; rows: number; sync: number }[];
  deleted?: { name: string; sync: number; rows: number }[];
  columns: { name: string; nullable: boolean; null_count: number; added_in?: number; dropped_in?: number }[];
  incremental: {
    watermark: string | null;
    last_number: number;
    syncs: {
      number: number;
      kind: string;
      snapshot: { id: string };
      lower: string | null;
      upper: string | null;
      row_count: number;
    }[];
  };
}

function tablesOf({ stdout, stderr }: CliResult): readonly SyncedTable[] {
  const document = parseDocument(stdout) as { readonly tables?: readonly SyncedTable[] };
  if (document.tables === undefined) throw new Error(stderr + stdout);
  return document.tables;
}
