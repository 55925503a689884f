import { mkdirSync } from 'node:fs';
import path from 'node:path';

import { type CliResult, postgresEntry, type RunningCli, startCli, writeAuthFile } from './cli.js';
import { runCliHere } from './cli-here.js';
import type { ErrorDocument } from './export-run.js';
import type { PostgresServer } from '../servers/postgres.js';
import { ScratchDirectory } from './scratch.js';
import { parseDocument } from './json-document.js';

export interface RunsDocument {
  readonly run_log: string;
  readonly runs: readonly RunDocument[];
}

interface RunDocument {
  readonly run_id: string;
  readonly state: string;
  readonly attempt: number;
  readonly tables: number | null;
  readonly completed_tables: number;
  readonly failed_tables: number;
  readonly rows: number;
  readonly env_name: string | null;
  readonly error?: ErrorDocument;
}

/** The document of `status --json`, as far as tests look at it. */
export interface StatusDocument {
  readonly run: RunDocument & {
    readonly command_line: string;
    readonly settings: { readonly hidden: readonly string[] };
  };
  readonly tables: readonly {
    readonly table: string;
    readonly state: string;
    readonly method: string;
    readonly slices: number;
    readonly rows: number | null;
    readonly attempts: number;
    readonly consistency: string | null;
    readonly error?: ErrorDocument;
  }[];
  readonly slices: readonly { readonly table: string; readonly slice: number; readonly state: string }[];
  readonly files: readonly {
    readonly table: string;
    readonly path: string;
    readonly rows: number;
    readonly sha256: string;
  }[];
}

/** A database by its entry of the auth file. */
export interface SourceEntry {
  readonly id: string;
  readonly entry: Readonly<Record<string, unknown>>;
}

/** A user with a directory to work in, an auth file, and a run log of their own. */
export class LoggedUser {
  readonly #scratch = new ScratchDirectory();
  readonly #source: PostgresServer | SourceEntry;
  #auth: string | undefined;

  constructor(source: PostgresServer | SourceEntry) {
    this.#source = source;
  }

  /** Where commands are typed; exports go to `out` below it. */
  get directory(): string {
    return path.join(this.#scratch.path, 'work');
  }

  get stateDirectory(): string {
    return path.join(this.#scratch.path, 'state');
  }

  /** The embedded log. */
  get logFile(): string {
    return path.join(this.stateDirectory, 'lakeport', 'runs.sqlite');
  }

  /** Writes the auth file: the source, a PostgreSQL server as `ds_pg`, and more entries. */
  async authorize(entries: Readonly<Record<string, unknown>> = {}): Promise<string> {
    mkdirSync(this.directory, { recursive: true });
    const { id, entry } = this.#entry;
    this.#auth = await writeAuthFile(this.directory, { [id]: entry, ...entries });
    return this.#auth;
  }

  start(
    argv: readonly string[],
    options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
  ): RunningCli {
    const { cwd = this.directory, env } = options;
    mkdirSync(cwd, { recursive: true });
    return startCli(argv, { cwd, env: { XDG_STATE_HOME: this.stateDirectory, ...env } });
  }

  /** Runs a command to its end, in this process: a process of its own is started by `start`. */
  run(...argv: string[]): Promise<CliResult> {
    return this.runWith({}, ...argv);
  }

  /** As `run`, with further variables. */
  runWith(env: Readonly<Record<string, string>>, ...argv: string[]): Promise<CliResult> {
    mkdirSync(this.directory, { recursive: true });
    return runCliHere(argv, { cwd: this.directory, env: { XDG_STATE_HOME: this.stateDirectory, ...env } });
  }

  /** An export to `out`; the auth file must be there. */
  startExport(...more: string[]): RunningCli {
    return this.start([...this.exportFlags(), ...more]);
  }

  export(...more: string[]): Promise<CliResult> {
    return this.run(...this.exportFlags(), ...more);
  }

  async runs(...more: string[]): Promise<RunsDocument> {
    return (await this.#look('runs', '--json', ...more)) as RunsDocument;
  }

  /** Of the latest run, or that of an id. */
  async status(id?: string, ...more: string[]): Promise<StatusDocument> {
    const runId = id ?? (await this.runs(...more)).runs[0]?.run_id ?? 'none';
    return (await this.#look('status', runId, '--json', ...more)) as StatusDocument;
  }

  async #look(...argv: string[]): Promise<unknown> {
    return parseDocument((await this.run(...argv)).stdout);
  }

  get #entry(): SourceEntry {
    return 'entry' in this.#source ? this.#source : { id: 'ds_pg', entry: postgresEntry(this.#source) };
  }

  /** Of an export from the source. @param target to `out` by default */
  exportFlags(target: readonly string[] = ['--output_dir', 'out']): string[] {
    return ['-a', 'auth.json', '--source_db_auth_id', this.#entry.id, ...target];
  }

  remove(): void {
    this.#scratch.remove();
  }
}
