import path from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';

import type { RunLogTarget } from '../../src/runlog/target.js';
import type { PostgresServer } from './postgres.js';
import { postgresInfo } from '../harness/postgres-source.js';
import { ScratchDirectory } from '../harness/scratch.js';

/** A place for a run log, and a way to look at it that is not the program's own. */
export interface LogDatabase {
  readonly target: RunLogTarget;
  /** Runs one statement, as any other program could. */
  query(sql: string): Promise<Record<string, unknown>[]>;
  remove(): Promise<void>;
}

export function sqliteLog(): LogDatabase & { readonly file: string; readonly directory: string } {
  const scratch = new ScratchDirectory();
  const file = path.join(scratch.path, 'state', 'runs.sqlite');
  return {
    target: { kind: 'database', id: 'log', engine: 'sqlite', info: { filepath: file } },
    file,
    directory: scratch.path,
    query: (sql) => {
      const database = new DatabaseSync(file, { timeout: 5_000 });
      try {
        const rows = database.prepare(sql).all() as Record<string, unknown>[];
        return Promise.resolve(rows.map((row) => ({ ...row })));
      } finally {
        database.close();
      }
    },
    remove: () => {
      scratch.remove();
      return Promise.resolve();
    },
  };
}

let schemas = 0;

/** A schema of its own on a server that the test has: made in no time, unlike a database. */
export async function postgresLog(server: PostgresServer): Promise<LogDatabase & { readonly schema: string }> {
  const schema = `log_${process.pid}_${++schemas}`;
  await server.query(`create schema ${schema}`);
  const info = postgresInfo(server, { options: { search_path: schema } });
  return {
    target: { kind: 'database', id: 'log', engine: 'postgres', info },
    schema,
    query: (sql) => server.query(`set search_path to ${schema}; ${sql}`),
    remove: async () => {
      await server.query(`drop schema ${schema} cascade`);
    },
  };
}
