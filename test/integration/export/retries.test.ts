import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { RunObserver } from '../../../src/export/model/observer.js';
import type { ExportOptions } from '../../../src/export/model/options.js';
import type { RetryPolicy } from '../../../src/runtime/retry.js';
import { exportOptions, exportTables, type TestExport } from '../../harness/export-tables.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { fileSums, serverSums } from '../../harness/table-sums.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';

/** Exports from a server and over a network that fail now and then. */

let server: PostgresServer;
let gate: TcpGate;
let scratch: ScratchDirectory;
let out: string;
let messages: string[];

/** The default policy with shorter waits. */
const SOON: RetryPolicy = { attempts: 5, firstMs: 20, factor: 3, longestMs: 500 };

beforeAll(async () => {
  server = await startPostgres({ tls: LOCALHOST_TLS });
  gate = await startTcpGate(server);
});
afterAll(async () => {
  await gate.stop();
  await server.stop();
});
beforeEach(() => {
  scratch = new ScratchDirectory();
  out = path.join(scratch.path, 'out');
  messages = [];
});
afterEach(() => scratch.remove());

const sql = (text: string) => server.query(text);

function run(
  schema: string,
  { observer = {}, ...request }: Partial<TestExport> = {},
  options: Partial<ExportOptions> = {},
) {
  const listener: RunObserver = { ...observer, message: (level, text) => messages.push(`${level}: ${text}`) };
  const all = exportOptions(out, { schemaPatterns: [schema], consistency: 'auto', ...options });
  return exportTables({ server, retry: SOON, ...request, observer: listener, options: all });
}

const throughGate = () => ({ ...server, host: gate.host, port: gate.port });

async function expectExact(schema: string, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const held = await serverSums(server, `${schema}.${table}`);
    expect(await fileSums(path.join(out, schema, table)), table).toEqual(held);
  }
}

/** 700 tables and 100 reconnections take minutes on a busy machine. */
const MANY_TABLES = { timeout: 600_000 };

describe('a connection that is cut', () => {
  it('a connection cut while reading a slice costs one retry and no rows', async () => {
    await sql(`CREATE SCHEMA one; CREATE TABLE one.big AS
      SELECT i::bigint, md5(i::text) || repeat('x', 1500) AS t FROM generate_series(1, 20000) i; ANALYZE one.big;`);
    const started: number[] = [];
    const failed: number[] = [];
    const staged: number[] = [];
    // In the middle of the second slice: each has a connection of its own and 5 MB, and no other connection as much.
    gate.cutAfter(2_500_000, 2);
    const result = await run(
      'one',
      {
        server: throughGate(),
        observer: {
          sliceStarted: (_, slice) => started.push(slice),
          sliceFailed: (_, slice) => failed.push(slice),
          sliceStaged: (_, slice) => staged.push(slice),
        },
      },
      {
        jobs: 1,
        parallel: 1,
        tableConfig: [{ schema: 'one', table: 'big', method: 'Ctid', key: undefined, degree: 6 }],
      },
    );
    expect(result).toMatchObject({ exit: undefined, rows: 20000, consistency: 'run' });
    expect(result.tables[0]?.attempts).toBe(2);
    expect(failed).toHaveLength(1);
    expect(started).toHaveLength(7);
    expect(staged.toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
    await expectExact('one', ['big']);
    expect(await scratch.files()).not.toContainEqual(expect.stringContaining('.lakeport'));
  });

  it('a hundred cut connections in one run leave the export exact', MANY_TABLES, async () => {
    await sql(`CREATE SCHEMA many;
      DO $$ BEGIN FOR n IN 1..700 LOOP EXECUTE format(
        'CREATE TABLE many.t%s AS SELECT i::bigint, md5((i * %s)::text) AS t FROM generate_series(1, 50) i', n, n);
      END LOOP; END $$;
      CREATE TABLE many.big AS SELECT i::bigint, md5(i::text) AS t FROM generate_series(1, 40000) i;
      ANALYZE;`);
    let starts = 0;
    let cuts = 0;
    const result = await run(
      'many',
      {
        server: throughGate(),
        observer: {
          sliceStarted: () => {
            if (++starts % 7 !== 0 || cuts >= 100) return;
            setTimeout(() => (cuts += Number(gate.cutOne())), Math.random() * 4);
          },
        },
      },
      { tableConfig: [{ schema: 'many', table: 'big', method: 'Ctid', key: undefined, degree: 8 }] },
    );
    expect(cuts).toBe(100);
    expect(result.tables.filter(({ state }) => state !== 'completed')).toEqual([]);
    expect(result).toMatchObject({ exit: undefined, rows: 700 * 50 + 40000 });
    expect(messages.some((text) => text.includes('attempt 2 of 5'))).toBe(true);
    await expectExact('many', ['big', ...Array.from({ length: 35 }, (_, i) => `t${20 * i + 1}`)]);
  });
});

describe('a server that is restarted in mid-run', () => {
  beforeAll(async () => {
    // Takes long enough for a restart in the middle of it.
    await sql(`CREATE SCHEMA again;
      CREATE VIEW again.a AS SELECT i::bigint, md5(i::text) || pg_sleep(0.001) AS t FROM generate_series(1, 1200) i;
      CREATE TABLE again.b AS SELECT i::bigint, md5(i::text) AS t FROM generate_series(1, 100) i; ANALYZE;`);
  });
  const ONE: Partial<ExportOptions> = { jobs: 1, parallel: 1, optIns: ['views'] };
  const patient: RetryPolicy = { attempts: 5, firstMs: 300, factor: 2, longestMs: 3000 };

  it('a restarted server delays the run and weakens its consistency to table', async () => {
    let restarted: Promise<void> | undefined;
    const observer: RunObserver = { tableProgress: () => void (restarted ??= server.restart()) };
    const result = await run('again', { observer, retry: patient }, ONE);
    await restarted;
    expect(result).toMatchObject({ exit: undefined, consistency: 'table', rows: 1300 });
    expect(messages.join('\n')).toMatch(/warning: The connection that held the snapshot was lost/);
    await expectExact('again', ['a', 'b']);
  });

  it('a restarted server ends a run with --consistency run, with a clear error', async () => {
    let restarted: Promise<void> | undefined;
    const observer: RunObserver = { tableProgress: () => void (restarted ??= server.restart()) };
    const result = await run('again', { observer, retry: patient }, { ...ONE, consistency: 'run' });
    await restarted;
    expect(result.exit).toBe('unreachable');
    expect(result.tables[0]?.error).toMatchObject({ code: 'SNAPSHOT_LOST' });
    expect(result.tables[0]?.error?.hint).toMatch(/without --consistency run/);
    expect(await scratch.files()).toEqual(['out/']);
  });
});

describe('errors of the server', () => {
  /** A view that fails with the SQLSTATE as long as the session that is returned is open, and has ten rows then. */
  async function troubled(name: string, sqlstate: string): Promise<{ end(): Promise<void> }> {
    await sql(`CREATE SCHEMA IF NOT EXISTS trouble;
      CREATE FUNCTION trouble.${name}_f(n bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$ BEGIN
        IF NOT pg_try_advisory_xact_lock_shared(hashtext('${name}')) THEN
          RAISE EXCEPTION 'trouble' USING ERRCODE = '${sqlstate}';
        END IF;
        RETURN n; END $$;
      CREATE VIEW trouble.${name} AS SELECT trouble.${name}_f(i) AS i, md5(i::text) AS t FROM generate_series(1, 10) i;`);
    const holder = await server.connect();
    await holder.query(`SELECT pg_advisory_lock(hashtext('${name}'))`);
    return holder;
  }
  const only = (name: string): Partial<ExportOptions> => ({ includePatterns: [name], optIns: ['views'] });

  it('a deadlock is retried', async () => {
    const trouble = await troubled('deadlock', '40P01');
    // The pause before the next attempt leaves the session time to end.
    const retry: RetryPolicy = { attempts: 5, firstMs: 500, factor: 2, longestMs: 5000 };
    let ended: Promise<void> | undefined;
    const observer: RunObserver = { sliceFailed: () => void (ended ??= trouble.end()) };
    const result = await run('trouble', { observer, retry }, only('deadlock'));
    await ended;
    expect(result).toMatchObject({ exit: undefined, rows: 10, consistency: 'run' });
    expect(result.tables[0]?.attempts).toBeGreaterThan(1);
    await expectExact('trouble', ['deadlock']);
  });

  it('a persistent deadlock fails the table after five attempts', async () => {
    const trouble = await troubled('stuck', '40P01');
    const failures: boolean[] = [];
    const observer: RunObserver = { sliceFailed: (_, __, { final }) => failures.push(final) };
    const result = await run('trouble', { observer }, only('stuck'));
    await trouble.end();
    expect(result.tables[0]).toMatchObject({ state: 'failed', error: { code: 'SOURCE_DEADLOCK' } });
    expect(failures).toEqual([false, false, false, false, true]);
  });

  it('other server errors are not retried', async () => {
    const trouble = await troubled('wrong', '22012');
    const failures: boolean[] = [];
    const observer: RunObserver = { sliceFailed: (_, __, { final }) => failures.push(final) };
    const result = await run('trouble', { observer }, only('wrong'));
    await trouble.end();
    expect(result.tables[0]).toMatchObject({ state: 'failed', error: { code: 'SOURCE_VALUE_ERROR' } });
    expect(failures).toEqual([true]);
  });

  it('too many connections are retried until there are fewer', async () => {
    // The first session is the planner's; the reader finds no room twice, whatever the machine's speed.
    await sql(`CREATE SCHEMA crowded; CREATE TABLE crowded.a AS SELECT 1::bigint AS i, 'x' AS t; ANALYZE crowded.a;
      CREATE ROLE crowd LOGIN PASSWORD '${server.password}';
      CREATE SEQUENCE crowded.logins; GRANT USAGE ON SEQUENCE crowded.logins TO crowd;
      GRANT USAGE ON SCHEMA crowded TO crowd; GRANT SELECT ON crowded.a TO crowd;
      CREATE FUNCTION crowded.greet() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF session_user = 'crowd' AND nextval('crowded.logins') IN (2, 3) THEN
          RAISE EXCEPTION 'too many connections' USING ERRCODE = '53300';
        END IF; END $$;
      CREATE EVENT TRIGGER crowded ON login EXECUTE FUNCTION crowded.greet();`);
    const retry: RetryPolicy = { attempts: 5, firstMs: 100, factor: 2, longestMs: 1000 };
    const result = await run('crowded', { server: { ...server, user: 'crowd' }, retry });
    await sql('DROP EVENT TRIGGER crowded');
    expect(result).toMatchObject({ exit: undefined, rows: 1, consistency: 'run' });
    expect(messages.join('\n')).toMatch(/A reader could not connect: .*too many connections.*attempt 2 of 5/);
    expect(messages.join('\n')).toMatch(/attempt 3 of 5/);
  });
});
