import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { GeneratedMetadataDocument } from '../../src/cli/reports/document-schemas.js';
import type { InspectDocument } from '../../src/cli/reports/inspect-schema.js';
import type { VerifyDocument } from '../../src/cli/reports/verify-schema.js';
import { type CliResult, postgresEntry, type RunningCli, startCli, writeAuthFile } from './cli.js';
import { runCliHere } from './cli-here.js';
import type { CliStore } from './cli-stores/index.js';
import type { ErrorDocument, RunDocument } from './export-run.js';
import { queryDuckDb, quote } from './parquet-readers/duckdb.js';
import type { PostgresServer } from '../servers/postgres.js';
import { ScratchDirectory } from './scratch.js';

/** `metadata` is `--generate_metadata` of a run that has ended. */
type Command = 'export' | 'plan' | 'check' | 'verify' | 'inspect' | 'metadata';

/** The document of `plan --json`, as far as tests look at it. */
export interface PlanDocument {
  readonly exit_code: number;
  readonly reader_memory_bytes: number;
  readonly tables: readonly { readonly table: string; readonly storage: string; readonly path: string }[];
  readonly error?: ErrorDocument;
}

export interface CheckDocument {
  readonly entries: readonly {
    readonly id: string;
    readonly kind: string;
    readonly address: string;
    readonly result: string;
    readonly error?: ErrorDocument;
  }[];
}

/** A process that has ended, and the document of `--json`. */
export type Ended<T> = CliResult & { readonly document: T };

/** One user's directory with an auth file, and command lines that use it. */
export class CliStorageRuns {
  readonly #scratch = new ScratchDirectory();
  readonly #auth: Promise<string>;

  /** @param stores by the ids of their entries */
  constructor(postgres: PostgresServer, stores: Readonly<Record<string, Pick<CliStore, 'entry'>>>) {
    const entries = Object.entries(stores).map(([id, { entry }]): [string, unknown] => [id, entry]);
    this.#auth = writeAuthFile(this.#scratch.path, { ds_pg: postgresEntry(postgres), ...Object.fromEntries(entries) });
  }

  get directory(): string {
    return this.#scratch.path;
  }

  /** A process of its own. */
  async start(command: Command, ...args: readonly string[]): Promise<RunningCli> {
    return startCli(await this.#words(command, args), this.#surroundings());
  }

  /** Runs a command to its end, in this process; `document` is that of `--json`. */
  async run(command: 'export', ...args: readonly string[]): Promise<Ended<RunDocument>>;
  async run(command: 'plan', ...args: readonly string[]): Promise<Ended<PlanDocument>>;
  async run(command: 'check', ...args: readonly string[]): Promise<Ended<CheckDocument>>;
  async run(command: 'verify', ...args: readonly string[]): Promise<Ended<VerifyDocument>>;
  async run(command: 'metadata', ...args: readonly string[]): Promise<Ended<GeneratedMetadataDocument>>;
  async run(command: 'inspect', ...args: readonly string[]): Promise<Ended<InspectDocument>>;
  async run(command: Command, ...args: readonly string[]): Promise<Ended<unknown>> {
    return withDocument(await runCliHere(await this.#words(command, args), this.#surroundings()));
  }

  /** Rows of a query over a table's parts, by DuckDB. In the query, `parts` stands for them. */
  async query(objects: ReadonlyMap<string, Buffer>, directory: string, query: string) {
    const copies = path.join(this.directory, 'copies');
    await mkdir(copies, { recursive: true });
    const parts = [...objects.keys()].filter((name) => name.startsWith(`${directory}/part-`));
    const files = parts.map((name) => path.join(copies, encodeURIComponent(name)));
    await Promise.all(files.map((file, index) => writeFile(file, objects.get(parts[index]!)!)));
    return queryDuckDb(query.replace('parts', `read_parquet([${files.map(quote).join(', ')}])`));
  }

  remove(): void {
    this.#scratch.remove();
  }

  async #words(command: Command, args: readonly string[]): Promise<string[]> {
    const source = ['export', 'plan'].includes(command) ? ['--source_db_auth_id', 'ds_pg'] : [];
    const typed = command === 'export' ? [] : command === 'metadata' ? ['--generate_metadata'] : [command];
    return [...typed, '-a', await this.#auth, ...source, '--json', ...args];
  }

  #surroundings() {
    return { cwd: this.directory, env: { XDG_STATE_HOME: this.directory, TMPDIR: this.directory } };
  }
}

/** Adds the document of `--json`. */
export function withDocument<T>(result: CliResult): Ended<T> {
  try {
    // The command's own document; tests say what they look at.
    return { ...result, document: JSON.parse(result.stdout) as T };
  } catch {
    throw new Error(`no document from a run that ended with ${result.code ?? result.signal ?? ''}: ${result.stderr}`);
  }
}

/** An expression for a text that does not compress to less than half of it. The longest digest is the cheapest text. */
export function noiseOf(seed: string, characters: number): string {
  const digests = Array.from(
    { length: characters / 128 },
    (_, n) => `encode(sha512((${seed} || '.${n}')::bytea), 'hex')`,
  );
  return digests.join(' || ');
}

/** About `megabytes` of a table that does not compress. */
export async function makeNoisyTable(postgres: PostgresServer, name: string, megabytes: number): Promise<void> {
  await postgres.query(
    `CREATE TABLE ${name} AS SELECT i AS id, ${noiseOf('i', 1024)} AS noise
     FROM generate_series(1, ${Math.round(megabytes * 1900)}) i`,
  );
  await postgres.query(`ANALYZE ${name}`);
}

/** Waits until this many requests with bytes of files have arrived; they pass through unchanged. */
export async function partsOnTheirWay(store: CliStore, count = 2): Promise<void> {
  let seen = 0;
  store.proxy?.breakBy((request) => {
    if (store.carriesPart(request)) seen++;
    return undefined;
  });
  const giveUpAt = Date.now() + 60_000;
  while (seen < count) {
    if (Date.now() > giveUpAt) throw new Error('No part of a file has arrived');
    await sleep(20);
  }
}
