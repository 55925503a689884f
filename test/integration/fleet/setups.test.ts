import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';
import { describe, it } from 'vitest';

import { VERSION } from '../../../src/version.js';
import { runCli, temporaryDirectory } from '../../harness/cli.js';
import { fleetSetup } from '../../harness/fleet-setup.js';
import type { TestFleet } from '../../harness/fleet.js';
import { queryDuckDb } from '../../harness/parquet-readers/duckdb.js';
import { saySkipped } from '../../harness/skipped.js';
import { sqlServerLog } from '../../servers/sql-server-log.js';
import { startTdsServer } from '../../servers/tds/server.js';
import { TestDatabase } from '../../servers/tds/test-database.js';

/** What workers on other machines can be used with, and what is refused. */

const setup = await fleetSetup('setups with workers on other machines');
const canUnshare = runs('unshare', ['-rm', 'true']);
if (!canUnshare) saySkipped('a worker without the directory of the run', 'unshare, and user namespaces');

describe.runIf(setup.isPossible).concurrent('workers on other machines', () => {
  it('end if they are not of the run or cannot read for it, and others go on', async ({ expect }) => {
    await using fleet = await setup.fleet('mistaken');
    await fleet.addTable('t1');
    await fleet.authorize('poor', { without: ['ds_pg'] });
    const run = fleet.coordinate();
    await fleet.until(async () => (await fleet.waiting()) === 1, 'a slice waits');
    const ended = (name: string, options?: Parameters<TestFleet['work']>[1]) => fleet.work(name, options).result;

    const poor = await ended('poor', { auth: 'poor' });
    expect(poor.stderr).toMatch(/ds_pg/);
    expect(poor.code).toBe(2);

    await fleet.log("UPDATE export_runs SET tool_version = '0.0.9'");
    const late = await ended('late');
    expect(late.stderr).toContain(`The run is of lakeport 0.0.9, and this worker of ${VERSION}`);
    expect(late.code).toBe(2);
    await fleet.log(`UPDATE export_runs SET tool_version = '${VERSION}'`);

    // Of a coordinator that has taken over the run in the meantime.
    await fleet.log(`
      CREATE SEQUENCE sent_jobs;
      CREATE FUNCTION of_another_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF nextval('sent_jobs') = 1 THEN NEW.data := replace(NEW.data::text, '${VERSION}', '0.0.9')::jsonb; END IF;
          RETURN NEW;
        END $$;
      CREATE TRIGGER once BEFORE INSERT ON lakeport_queue.job FOR EACH ROW EXECUTE FUNCTION of_another_version()`);
    const older = await ended('older');
    expect(older.stderr).toContain(`The run is of lakeport 0.0.9, and this worker of ${VERSION}`);
    expect(older.code).toBe(2);

    if (canUnshare) {
      const hide = ['unshare', '-rm', 'sh', '-c', `mount -t tmpfs none '${fleet.output}' && exec "$@"`, 'sh'];
      const alone = await ended('alone', { within: hide });
      expect(alone.stderr).toMatch(/The run writes to .*out, and has not begun in the directory of that name/);
      expect(alone.code).toBe(4);
    }
    const worker = fleet.work('good');
    const { code, stderr } = await run.result;
    expect(stderr.match(/has given back public\.t1: The run/g)?.length).toBe(canUnshare ? 2 : 1);
    expect(code).toBe(0);
    expect(await worker.result).toMatchObject({ code: 0 });
    expect(await fleet.wrongTables(['t1'])).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it('need a run log that can hold their queue', async ({ expect }) => {
    await using fleet = await setup.fleet('logs');
    const logs = await sqlServerLog();
    const { host, port, user, password } = logs.server;
    const info = { server: host, port, database: 'logs', username: user, password, encrypt: false };
    const lite = path.join(fleet.directory, 'log.sqlite');
    await fleet.authorize('auth', {
      entries: {
        log_ms: { ds_type: 'mssql', auth_mode: 'classic', info },
        log_lite: { ds_type: 'sqlite', info: { filepath: lite } },
      },
    });
    const target = ['--source_db_auth_id', 'ds_pg', '--output_dir', fleet.output];
    for (const log of ['log_ms', 'log_lite']) {
      const own = ['--run_id', fleet.runId, '--log_db_auth_id', log];
      for (const command of [['work'], [...target, '--workers', 'external']]) {
        const { code, stderr } = await fleet.run(...command, ...own).result;
        expect(stderr).toContain(
          'Workers on other machines need a run log in PostgreSQL, which is their queue; it is ',
        );
        expect(code).toBe(2);
      }
    }
    await logs.remove();
  });

  it('read tables of SQL Server', async ({ expect }) => {
    const database = await TestDatabase.create([
      {
        name: 'orders',
        columns: [
          { name: 'id', type: 'int', nullable: false },
          { name: 'customer', type: 'nvarchar(40)' },
        ],
        rows: Array.from({ length: 3_000 }, (_, i) => [i, `customer ${i}`]),
        indexes: [{ keys: ['id'], isClustered: true, isUnique: true }],
        statistics: { rows: 3_000, pages: 100 },
      },
      { name: 'empty', columns: [{ name: 'x', type: 'int' }] },
    ]);
    const { handler } = database;
    const source = await startTdsServer({ handler });
    const { port, user: username, password } = source;
    await using fleet = await setup.fleet('from_mssql');
    const info = { server: 'localhost', port, database: 'shop', username, password, encrypt: false };
    await fleet.authorize('auth', { entries: { ds_ms: { ds_type: 'mssql', auth_mode: 'classic', info } } });
    const run = fleet.coordinateFrom('ds_ms', '--large_table_threshold', '100', '-p', '2');
    const workers = [fleet.work('w1'), fleet.work('w2')];
    expect(await run.result).toMatchObject({ code: 0 });
    for (const worker of workers) expect(await worker.result).toMatchObject({ code: 0 });
    expect(readdirSync(path.join(fleet.output, 'dbo', 'orders')).length).toBeGreaterThan(1);
    expect(await ordersOf(fleet)).toMatchObject([{ rows: '3000', ids: '3000', same: '3000' }]);
    expect(await fleet.leftovers()).toEqual([]);
    await source.stop();
    database.close();
  });

  it('read tables of SQLite, where they have its file', async ({ expect }) => {
    await using fleet = await setup.fleet('from_sqlite');
    const file = path.join(fleet.directory, 'shop.db');
    const shop = new DatabaseSync(file);
    shop.exec(`
      CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT);
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2999)
      INSERT INTO orders SELECT i, 'customer ' || i FROM n;`);
    shop.close();
    const entry = (filepath: string) => ({ entries: { lite: { ds_type: 'sqlite', info: { filepath } } } });
    await fleet.authorize('auth', entry(file));
    await fleet.authorize('other', entry(path.join(fleet.directory, 'other.db')));
    const run = fleet.coordinateFrom('lite', '--large_table_threshold', '100', '-p', '2');
    const other = await fleet.work('other', { auth: 'other' }).result;
    expect(other.code).toBeGreaterThan(0);
    expect(other.stderr).toMatch(/other\.db/);
    const workers = [fleet.work('w1'), fleet.work('w2')];
    expect(await run.result).toMatchObject({ code: 0 });
    for (const worker of workers) expect(await worker.result).toMatchObject({ code: 0 });
    expect(await ordersOf(fleet)).toMatchObject([{ rows: '3000', ids: '3000', same: '3000' }]);
    expect(await fleet.leftovers()).toEqual([]);
  });
});

/** How many rows there are, how many different ones, and how many are as they were. */
function ordersOf(fleet: TestFleet): Promise<unknown> {
  return queryDuckDb(`
    SELECT count(*) AS rows, count(DISTINCT id) AS ids, count(*) FILTER (WHERE customer = 'customer ' || id) AS same
      FROM read_parquet('${path.join(fleet.output, '**', 'orders', '*.parquet')}')`);
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

it.runIf(major < 22 || (major === 22 && minor < 12))(
  'workers on other machines need a later Node.js, as both commands say',
  async ({ expect }) => {
    await using directory = await temporaryDirectory();
    const own = ['--run_id', '00000000-0000-4000-8000-000000000000', '-a', 'auth.json', '--log_db_auth_id', 'log'];
    for (const command of [['work'], ['--source_db_auth_id', 'ds', '--output_dir', 'out', '--workers', 'external']]) {
      const { code, stderr } = await runCli([...command, ...own], { cwd: directory.path });
      expect(stderr).toBe(
        `lakeport: Workers on other machines need Node.js 22.12 or later, and this is ${process.versions.node}\n` +
          'hint: Use a later version of Node.js, or leave out --workers: threads of this process then read.\n',
      );
      expect(code).toBe(2);
    }
  },
);

function runs(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
