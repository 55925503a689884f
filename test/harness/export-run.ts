import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { runCliHere } from './cli-here.js';
import {
  postgresEntry,
  runCli,
  temporaryDirectory,
  writeAuthFile,
  type CliOptions,
  type CliResult,
  type TemporaryDirectory,
} from './cli.js';
import type { PostgresServer } from '../servers/postgres.js';
import { parseDocument } from './json-document.js';

/** The document of `--json`, as far as tests look at it. */
export interface RunDocument {
  readonly run_id: string;
  readonly exit_code: number;
  readonly consistency: string;
  readonly totals: {
    readonly tables: number;
    readonly completed: number;
    readonly failed: number;
    readonly rows: number;
    readonly files: number;
    readonly bytes: number;
  };
  readonly tables: readonly TableDocument[];
  readonly skipped: readonly { readonly table: string; readonly reason: ErrorDocument }[];
  readonly warnings: readonly { readonly message: string }[];
  /** Where the run did not come to tables. */
  readonly error?: ErrorDocument;
}

export interface TableDocument {
  readonly schema: string;
  readonly table: string;
  readonly state: 'completed' | 'failed' | 'cancelled';
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly consistency?: string;
  readonly storage: string;
  readonly path: string;
  readonly manifest?: string;
  readonly unrepresentable: Readonly<Record<string, number>>;
  readonly lost_bounds?: Readonly<Record<string, number>>;
  readonly error?: ErrorDocument;
}

export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly context?: { readonly table?: string; readonly column?: string; readonly row?: string };
}

export interface ExportRunOptions extends CliOptions {
  /** Flags besides auth file, source and output directory. */
  readonly args?: readonly string[];
  /** Differs from the server's default for tests that make their own. */
  readonly database?: string;
  /** Further fields of the server's entry. */
  readonly entry?: Readonly<Record<string, unknown>>;
}

export const SOURCE_ID = 'ds_pg';

/** Exports to a temporary directory. Whether it went well is for the test to say. */
export function runExport(server: PostgresServer, options: ExportRunOptions = {}): Promise<ExportRun> {
  return exportBy(runCli, server, options);
}

/**
 * The same without a process of its own, which costs a second of a core: for tests of values, of which there are many, and
 * to which processes, signals and memory are nothing.
 */
export function runExportHere(
  server: PostgresServer,
  options: Omit<ExportRunOptions, keyof CliOptions> = {},
): Promise<ExportRun> {
  return exportBy((args) => runCliHere(args), server, options);
}

async function exportBy(
  run: (args: readonly string[], options: CliOptions) => Promise<CliResult>,
  server: PostgresServer,
  options: ExportRunOptions,
): Promise<ExportRun> {
  const { args = [], database = server.database, entry, ...cliOptions } = options;
  const home = await temporaryDirectory();
  const auth = await writeAuthFile(home.path, { [SOURCE_ID]: postgresEntry(server, { database, ...entry }) });
  const directory = path.join(home.path, 'out');
  const cli = await run(
    ['-a', auth, '--source_db_auth_id', SOURCE_ID, '--output_dir', directory, '--json', ...args],
    cliOptions,
  );
  return new ExportRun(cli, directory, home);
}

/** A server's tables in files, by the command line, with what it reported. */
export class ExportRun implements AsyncDisposable {
  readonly cli: CliResult;
  /** Where `--output_dir` pointed. */
  readonly directory: string;
  readonly #home: TemporaryDirectory;

  constructor(cli: CliResult, directory: string, home: TemporaryDirectory) {
    this.cli = cli;
    this.directory = directory;
    this.#home = home;
  }

  /** The document of `--json`. */
  get result(): RunDocument {
    try {
      return parseDocument(this.cli.stdout) as RunDocument;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new Error(
        `no result from a run that ended with ${this.cli.code ?? this.cli.signal ?? ''}: ${this.cli.stderr}`,
      );
    }
  }

  /** How one table ended; throws where it is not in the result. */
  table(name: string, schema = 'public'): TableDocument {
    const found = this.result.tables.find((table) => table.table === name && table.schema === schema);
    if (!found) throw new Error(`${schema}.${name} is not in the result: ${this.cli.stderr}`);
    return found;
  }

  /** Its parts, in order. */
  async files(name: string, schema = 'public'): Promise<string[]> {
    const directory = this.#tableDirectory(name, schema);
    const names = (await readdir(directory)).filter((file) => file.endsWith('.parquet'));
    return names.sort().map((file) => path.join(directory, file));
  }

  async manifest(name: string, schema = 'public'): Promise<Record<string, unknown>> {
    const { manifest } = this.table(name, schema);
    if (manifest === undefined) throw new Error(`${schema}.${name} has no manifest`);
    const text = await readFile(path.resolve(this.directory, manifest), 'utf8');
    return JSON.parse(text) as Record<string, unknown>;
  }

  remove(): Promise<void> {
    return this.#home.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#home.remove();
  }

  #tableDirectory(name: string, schema: string): string {
    return path.resolve(this.directory, this.table(name, schema).path);
  }
}
