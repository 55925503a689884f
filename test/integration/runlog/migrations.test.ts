import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';
import { Kysely, Migrator } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { SqliteInfo } from '../../../src/sources/sqlite/info.js';
import { openDialect } from '../../../src/runlog/open-dialect.js';
import { migrationsFor } from '../../../src/runlog/migrations/index.js';
import {
  FILES,
  JOBS,
  PARTITION_COLUMNS,
  PARTITIONS,
  RUNS,
  SYNC_LOCKS,
  SYNCS,
  WATERMARKS,
  WORKERS,
} from '../../../src/runlog/model/columns.js';
import type { Column } from '../../../src/runlog/model/log-table.js';
import { openRunLog } from '../../../src/runlog/run-log.js';
import type { RunLogTarget } from '../../../src/runlog/target.js';
import { failure } from '../../harness/failure.js';
import { type LogDatabase, postgresLog, sqliteLog } from '../../servers/log-databases.js';
import { newRun, recordTable, runPlan, runResult, tables } from '../../harness/logged-runs.js';
import { sqlServerLog } from '../../servers/sql-server-log.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { postgresInfo } from '../../harness/postgres-source.js';

let server: PostgresServer;
let database: LogDatabase;

beforeAll(async () => {
  server = await startPostgres();
});

afterAll(() => server.stop());

afterEach(() => database.remove());

const STEPS = 5;

const DESCRIBED = {
  export_runs: RUNS,
  export_jobs: JOBS,
  export_partitions: PARTITIONS,
  export_files: FILES,
  export_watermarks: WATERMARKS,
  export_syncs: SYNCS,
  export_sync_locks: SYNC_LOCKS,
  export_workers: WORKERS,
  partition_columns: PARTITION_COLUMNS,
};

const kinds: { name: string; make: () => Promise<LogDatabase> }[] = [
  { name: 'SQLite', make: () => Promise.resolve(sqliteLog()) },
  { name: 'PostgreSQL', make: () => postgresLog(server) },
];

describe.each(kinds)('the schema of a log in $name', ({ make }) => {
  beforeEach(async () => {
    database = await make();
  });

  /** Creates the schema as it is after that many steps. */
  async function migrateTo(steps: number, further: Record<string, { up: () => Promise<void> }> = {}): Promise<void> {
    const dialect = await openDialect(database.target);
    const db = new Kysely<unknown>({ dialect: dialect.kysely });
    const known = Object.entries(migrationsFor(dialect)).slice(0, steps);
    const migrator = new Migrator({
      db,
      provider: { getMigrations: () => Promise.resolve({ ...Object.fromEntries(known), ...further }) },
      migrationTableName: 'lakeport_migrations',
      migrationLockTableName: 'lakeport_migrations_lock',
    });
    const { error } = await migrator.migrateToLatest();
    await db.destroy();
    if (error !== undefined) throw error as Error;
  }

  async function columns(): Promise<unknown[]> {
    return database.query(
      database.target.engine === 'sqlite'
        ? `select m.name as "table", c.name, c.type from sqlite_master m join pragma_table_info(m.name) c order by 1, 2`
        : `select table_name as "table", column_name as name, data_type as type from information_schema.columns
           where table_schema = current_schema() order by 1, 2`,
    );
  }

  async function recordRun(): Promise<string> {
    const log = await openRunLog(database.target, { unloggedDirectory: '/nonexistent' });
    const run = await log.begin(newRun());
    const plans = tables(2);
    run.recorder.planned(runPlan(plans));
    const results = plans.map((plan) => recordTable(run.recorder, plan));
    run.recorder.ended(runResult(run.runId, results));
    await run.finish();
    await log.close();
    return run.runId;
  }

  it.each(Array.from({ length: STEPS + 1 }, (_, steps) => steps))(
    'is migrated from version %i to that of a new log',
    async (steps) => {
      const fresh = await make();
      const earlier = database;
      database = fresh;
      await recordRun();
      const expected = await columns();
      await fresh.remove();

      database = earlier;
      await migrateTo(steps);
      const runId = await recordRun();
      expect(await columns()).toEqual(expected);
      const applied = await database.query('select name from lakeport_migrations order by name');
      expect(applied).toHaveLength(STEPS);
      // And once more, with nothing left to migrate.
      expect(await recordRun()).not.toBe(runId);
      expect(await database.query('select run_id from runs')).toHaveLength(2);
    },
  );

  it('keeps what an earlier version recorded', async () => {
    await migrateTo(1);
    await database.query(
      `insert into export_runs (run_id, state, attempt, holder, process, tool_version, command_line, settings, target,
         started_at, heartbeat_at, completed_tables, failed_tables, row_count, byte_count, file_count)
       values ('old', 'completed', 1, 'h', '{}', '0.0.1', '', '{}', 'out', '2026-01-01 00:00:00', '2026-01-01 00:00:00',
         1, 0, 2, 3, 4)`,
    );
    const log = await openRunLog(database.target);
    expect((await log.history('old')).run).toMatchObject({ toolVersion: '0.0.1', rows: 2, bytes: 3, files: 4 });
    await log.close();
  });

  it('is created once by several processes that find none at the same time', async () => {
    const logs = await Promise.all(Array.from({ length: 5 }, () => openRunLog(database.target)));
    expect(await database.query('select name from lakeport_migrations')).toHaveLength(STEPS);
    await Promise.all(logs.map((log) => log.close()));
  });

  it('of a newer version is left alone, with an error', async () => {
    await migrateTo(STEPS, { '9999-later': { up: () => Promise.resolve() } });
    const error = await failure(openRunLog(database.target));
    expect(error).toMatchObject({ code: 'RUN_LOG_NEWER', exit: 'usage', context: { detail: '9999-later' } });
    expect(error.hint).toContain('--log-db-auth-id');
  });

  it('is not created if tables of the same names belong to something else', async () => {
    if (database.target.engine === 'sqlite') {
      const { filepath } = database.target.info as SqliteInfo;
      mkdirSync(path.dirname(filepath), { recursive: true });
      new DatabaseSync(filepath).close();
    }
    await database.query('create table jobs (id integer)');
    const error = await failure(openRunLog(database.target));
    expect(error).toMatchObject({ code: 'RUN_LOG_NAME_TAKEN', exit: 'usage' });
    expect(error.message).toContain('jobs');
    // Nothing of the log was created.
    const left = (await columns()) as { table: string }[];
    expect(left.filter(({ table }) => table.startsWith('export_'))).toEqual([]);
  });
});

describe.each([...kinds, { name: "SQL Server's wire", make: sqlServerLog }])(
  'the tables of a log in $name',
  ({ make }) => {
    /** Of each table: its columns in alphabetical order, with type and whether they may be NULL. */
    async function catalog(): Promise<unknown[]> {
      const tables = Object.keys(DESCRIBED).map((name) => `'${name}'`);
      return database.query(
        database.target.engine === 'postgres'
          ? `select c.relname as "table", a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required
           from pg_class c join pg_attribute a on a.attrelid = c.oid
           where c.relnamespace = current_schema()::regnamespace and c.relname in (${tables.join()}) and a.attnum > 0
           order by 1, 2`
          : `select m.name as "table", c.name, c.type, c."notnull" as required
           from sqlite_master m join pragma_table_info(m.name) c where m.name in (${tables.join()}) order by 1, 2`,
      );
    }

    it('have the columns of the description, with its types and NULLs', async () => {
      database = await make();
      const described = database;
      const dialect = await openDialect(described.target);
      const db = new Kysely<unknown>({ dialect: dialect.kysely });
      for (const [name, { columns }] of Object.entries(DESCRIBED)) {
        let table = db.schema.createTable(name);
        for (const [column, { type, nullable }] of Object.entries<Column>(columns)) {
          table = table.addColumn(column, dialect.types[type], (built) =>
            nullable === true ? built : built.notNull(),
          );
        }
        await table.execute();
      }
      await db.destroy();
      const expected = await catalog();
      expect(expected.length).toBeGreaterThan(80);
      database = await make();
      await described.remove();

      await (await openRunLog(database.target)).close();
      expect(await catalog()).toEqual(expected);
    });
  },
);

describe('a log that this user cannot create', () => {
  it('in PostgreSQL names the missing grant, or a schema of its own as the way out', async () => {
    const log = await postgresLog(server);
    database = log;
    await log.query(`create role reader login password 'reader'; grant usage on schema ${log.schema} to reader`);
    const entry = (searchPath: string): RunLogTarget => {
      const options = { search_path: searchPath };
      const info = postgresInfo(server, { username: 'reader', password: 'reader', options });
      return { kind: 'database', id: 'log', engine: 'postgres', info };
    };
    for (const schema of [log.schema, 'nowhere']) {
      const error = await failure(openRunLog(entry(schema)));
      expect(error).toMatchObject({ code: 'RUN_LOG_PERMISSION_DENIED', exit: 'unreachable' });
      expect(error.hint).toContain('search_path');
    }
    await log.query('create schema lake authorization reader');
    await (await openRunLog(entry('lake'))).close();
    expect(await log.query('select * from lake.runs')).toEqual([]);
    await log.query('drop owned by reader; drop role reader');
  });

  it('in PostgreSQL with a wrong password is unreachable', async () => {
    database = await postgresLog(server);
    const info = postgresInfo(server, { password: 'wrong' });
    const error = await failure(openRunLog({ kind: 'database', id: 'log', engine: 'postgres', info }));
    expect(error).toMatchObject({ code: 'RUN_LOG_UNREACHABLE', exit: 'unreachable' });
    expect(error.message).not.toContain('wrong');
  });

  it('is reported as damaged if the file is not a SQLite database', async () => {
    const log = sqliteLog();
    database = log;
    mkdirSync(path.dirname(log.file), { recursive: true });
    writeFileSync(log.file, 'something else entirely, of more than one hundred bytes '.repeat(10));
    expect(await failure(openRunLog(log.target))).toMatchObject({ code: 'RUN_LOG_DAMAGED', exit: 'unreachable' });
  });
});

describe('the file of an embedded log', () => {
  const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

  it('is accessible only to its user, and so are its directory and side files', async () => {
    const log = sqliteLog();
    database = log;
    const opened = await openRunLog(log.target);
    const run = await opened.begin(newRun());
    expect([log.file, `${log.file}-wal`, `${log.file}-shm`].map(mode)).toEqual(['600', '600', '600']);
    expect(mode(path.dirname(log.file))).toBe('700');
    run.recorder.ended(runResult(run.runId, []));
    await run.finish();
    await opened.close();
  });

  it('keeps the permissions that its user has set', async () => {
    const log = sqliteLog();
    database = log;
    mkdirSync(path.dirname(log.file), { recursive: true });
    writeFileSync(log.file, '');
    chmodSync(log.file, 0o640);
    await (await openRunLog(log.target)).close();
    expect(mode(log.file)).toBe('640');
  });
});
