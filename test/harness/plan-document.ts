import path from 'node:path';

import { postgresEntry, runCli, temporaryDirectory, writeAuthFile } from './cli.js';
import { type ErrorDocument, SOURCE_ID } from './export-run.js';
import type { PostgresServer } from '../servers/postgres.js';
import { parseDocument } from './json-document.js';

/** The document of `plan --json`, as far as tests look at it. */
export interface PlanDocument {
  readonly exit_code: number;
  readonly consistency: string;
  readonly tables: readonly {
    readonly table: string;
    readonly kind: string;
    readonly consistency: string;
    readonly notes?: readonly { readonly code: string; readonly message: string }[];
  }[];
  readonly problems: readonly { readonly table: string; readonly error: ErrorDocument }[];
  readonly skipped: readonly { readonly table: string; readonly reason: ErrorDocument }[];
  readonly left_out: readonly {
    readonly schema: string;
    readonly table: string;
    readonly kind: string;
    readonly flags: readonly string[];
  }[];
  readonly warnings: readonly { readonly message: string }[];
  /** Where it came to no plan. */
  readonly error?: ErrorDocument;
}

interface Planning {
  readonly args?: readonly string[];
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
}

/** What `lakeport plan` says, as text or as its document. */
export async function planText(server: PostgresServer, planning: Planning = {}): Promise<string> {
  await using home = await temporaryDirectory();
  const { args = [], user = server.user, password = server.password, database = server.database } = planning;
  const auth = await writeAuthFile(home.path, {
    [SOURCE_ID]: postgresEntry(server, { database, username: user, password }),
  });
  const directory = path.join(home.path, 'out');
  const { stdout } = await runCli([
    'plan',
    '-a',
    auth,
    '--source_db_auth_id',
    SOURCE_ID,
    '--output_dir',
    directory,
    ...args,
  ]);
  return stdout;
}

export async function planDocument(server: PostgresServer, planning: Planning = {}): Promise<PlanDocument> {
  return parseDocument(
    await planText(server, { ...planning, args: ['--json', ...(planning.args ?? [])] }),
  ) as PlanDocument;
}
