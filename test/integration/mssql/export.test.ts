import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { AUTHORITY, LOCALHOST_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { runCli, temporaryDirectory, writeAuthFile, type CliResult } from '../../harness/cli.js';
import { runCliHere } from '../../harness/cli-here.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { differences } from '../../harness/same-rows.js';
import { expectedCell } from '../../servers/tds/expected-cell.js';
import type { ResultSet, WireValue } from '../../servers/tds/result-set.js';
import { startTdsServer, type TdsServer, type TdsServerOptions } from '../../servers/tds/server.js';
import type { TdsHandler } from '../../servers/tds/session.js';
import { TestDatabase } from '../../servers/tds/test-database.js';
import type { Quirks, TestTable } from '../../servers/tds/test-tables.js';
import { TdsError } from '../../servers/tds/tokens.js';

/** The program as its users run it, against a server that speaks TDS. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ORDERS: TestTable = {
  name: 'orders',
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'customer', type: 'nvarchar(40)' },
    { name: 'amount', type: 'decimal(38,10)' },
    { name: 'paid', type: 'money' },
    { name: 'at', type: 'datetime2(7)' },
    { name: 'note', type: 'varchar(max)' },
  ],
  rows: Array.from({ length: 3000 }, (_, i): WireValue[] => [
    10_000 + i,
    i % 7 === 0 ? null : `customer \u{1F600} ${i % 50}`,
    `${i}.0123456789`,
    `${i - 1500}.1234`,
    `2024-02-${String((i % 29) + 1).padStart(2, '0')}T12:34:56.1234567`,
    i % 5 === 0 ? null : 'n'.repeat(i % 100),
  ]),
  indexes: [{ keys: ['id'], isClustered: true, isUnique: true }],
  statistics: { rows: 3000, pages: 100 },
};
const EMPTY: TestTable = { name: 'empty', schema: 'Sales', columns: [{ name: 'x', type: 'int' }] };

interface Exported {
  readonly cli: CliResult;
  readonly directory: string;
}

async function serve(
  tables: readonly TestTable[],
  options: { readonly quirks?: Quirks; readonly server?: Partial<TdsServerOptions> } = {},
): Promise<TdsServer> {
  const database = await TestDatabase.create(tables, options.quirks);
  cleanups.push(() => database.close());
  const server = await startTdsServer({ handler: database.handler, ...options.server });
  cleanups.push(() => server.stop());
  return server;
}

async function run(
  server: TdsServer,
  options: {
    readonly args?: readonly string[];
    readonly info?: Readonly<Record<string, unknown>>;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Exported> {
  const home = await temporaryDirectory();
  cleanups.push(() => home.remove());
  const { port, user, password } = server;
  const info = {
    server: 'localhost',
    port,
    database: 'shop',
    username: user,
    password,
    encrypt: false,
    ...options.info,
  };
  const auth = await writeAuthFile(home.path, { ds_ms: { ds_type: 'mssql', auth_mode: 'classic', info } });
  const directory = path.join(home.path, 'out');
  // Node.js takes its variables at the start of a process only.
  const start = options.env === undefined ? runCliHere : runCli;
  const cli = await start(
    ['-a', auth, '--source_db_auth_id', 'ds_ms', '--output_dir', directory, '--json', ...(options.args ?? [])],
    { env: { XDG_STATE_HOME: home.path, ...options.env } },
  );
  return { cli, directory };
}

/** What the tests look at in the document of `--json`. */
interface RunDocument {
  readonly consistency: string;
  readonly totals: { readonly rows: number };
  readonly tables: readonly { readonly table: string; readonly state: string }[];
}

const resultOf = ({ cli }: Exported): RunDocument => JSON.parse(cli.stdout) as RunDocument;

async function filesOf({ directory }: Exported, table: string): Promise<string[]> {
  const names = await readdir(path.join(directory, table), { recursive: true });
  return names
    .filter((name) => name.endsWith('.parquet'))
    .sort()
    .map((name) => path.join(directory, table, name));
}

async function manifestOf({ directory }: Exported, table: string): Promise<Record<string, unknown>> {
  return JSON.parse(
    await readFile(path.join(directory, path.dirname(table), `_${path.basename(table)}.manifest.json`), 'utf8'),
  ) as Record<string, unknown>;
}

test('tables arrive as they are, empty ones with their columns', async () => {
  const exported = await run(await serve([ORDERS, EMPTY]));
  expect(exported.cli).toMatchObject({ code: 0 });
  expect(resultOf(exported)).toMatchObject({ totals: { rows: 3000 }, consistency: 'none' });
  const expected = ORDERS.rows!.map((row) => row.map((value, i) => expectedCell(ORDERS.columns[i]!, value)));
  const files = await filesOf(exported, 'dbo/orders');
  expect(await differences('DuckDB', files, expected)).toEqual([]);
  const [empty] = await filesOf(exported, 'Sales/empty');
  expect(await queryDuckDb(`DESCRIBE SELECT * FROM ${quote(empty!)}`)).toMatchObject([{ column_name: 'x' }]);
});

test('several readers share a large table, and the manifest says what that means', async () => {
  const server = await serve([ORDERS, EMPTY], { quirks: { snapshotState: 1 } });
  const exported = await run(server, { args: ['--large_table_threshold', '100', '-p', '2'] });
  expect(exported.cli).toMatchObject({ code: 0 });
  const expected = ORDERS.rows!.map((row) => row.map((value, i) => expectedCell(ORDERS.columns[i]!, value)));
  const files = await filesOf(exported, 'dbo/orders');
  expect(files.length).toBeGreaterThan(1);
  expect(await differences('DuckDB', files, expected)).toEqual([]);
  const manifest = await manifestOf(exported, 'dbo/orders');
  expect(manifest).toMatchObject({
    consistency: 'none',
    row_count: 3000,
    engine: 'mssql',
    source: { database: 'shop' },
  });
  expect(await manifestOf(exported, 'Sales/empty')).toMatchObject({ consistency: 'table' });
  expect(resultOf(exported).consistency).toBe('none');
});

describe('consistency', () => {
  test("is each table's own with one reader on a database that keeps row versions", async () => {
    const exported = await run(await serve([ORDERS], { quirks: { snapshotState: 1 } }), { args: ['-p', '1'] });
    expect(resultOf(exported).consistency).toBe('table');
    expect(await manifestOf(exported, 'dbo/orders')).toMatchObject({ consistency: 'table' });
  });

  test('that cannot be had ends the run before it begins', async () => {
    const { cli } = await run(await serve([ORDERS]), { args: ['--consistency', 'run'] });
    expect(cli.code).toBe(2);
    expect(cli.stderr).toContain('ALLOW_SNAPSHOT_ISOLATION');
    expect(cli.stderr).toContain('--consistency none');
  });
});

test('times are in nanoseconds where that is asked for', async () => {
  const exported = await run(await serve([ORDERS]), { args: ['--timestamp_unit', 'ns'] });
  const [file] = await filesOf(exported, 'dbo/orders');
  const [row] = await queryDuckDb(`SELECT CAST(max("at") AS VARCHAR) AS latest FROM ${quote(file!)}`);
  expect(row?.['latest']).toBe('2024-02-29 12:34:56.1234567');
});

test('TLS is checked against the authorities that Node is told of', async () => {
  const server = await serve([EMPTY], { server: { tls: { cert: LOCALHOST_CERTIFICATE, key: SERVER_KEY } } });
  const home = await temporaryDirectory();
  cleanups.push(() => home.remove());
  const untrusted = await run(server, { info: { encrypt: true } });
  expect(untrusted.cli.code).toBe(4);
  expect(untrusted.cli.stderr).toContain('NODE_EXTRA_CA_CERTS');
  const authority = path.join(home.path, 'ca.pem');
  await writeFile(authority, AUTHORITY);
  const trusted = await run(server, { info: { encrypt: true }, env: { NODE_EXTRA_CA_CERTS: authority } });
  expect(trusted.cli).toMatchObject({ code: 0 });
});

test('a login that is refused ends with exit code 4 and without the password', async () => {
  const { cli } = await run(await serve([EMPTY]), { info: { password: 'not-the-one' } });
  expect(cli.code).toBe(4);
  expect(cli.stderr).toContain("Login failed for user 'sa'.");
  expect(cli.stderr + cli.stdout).not.toContain('not-the-one');
});

test('a connection string will do', async () => {
  const server = await serve([EMPTY]);
  const text = `Server=127.0.0.1,${server.port};Database=shop;User Id=sa;Password=${server.password};Encrypt=false`;
  const absent = { server: undefined, port: undefined, database: undefined, username: undefined, password: undefined };
  const exported = await run(server, { info: { ...absent, encrypt: undefined, connection_string: text } });
  expect(exported.cli).toMatchObject({ code: 0 });
});

test('a table that nobody may read fails by itself', async () => {
  const refuses = { number: 229, message: "The SELECT permission was denied on the object 'secret'." };
  const exported = await run(await serve([ORDERS, { name: 'secret', columns: EMPTY.columns, refuses }]));
  expect(exported.cli.code).toBe(3);
  const states = resultOf(exported).tables.map(({ table, state }) => `${table} ${state}`);
  expect(states.sort()).toEqual(['orders completed', 'secret failed']);
});

test('a read that falls to a deadlock, or whose connection is cut, is tried again', async () => {
  const database = await TestDatabase.create([ORDERS]);
  cleanups.push(() => database.close());
  let reads = 0;
  const handler: TdsHandler = async (query) => {
    const answer = await database.handler(query);
    const isRead = query.sql.includes('[dbo].[orders]') && !query.sql.includes('TOP (0)');
    if (!isRead || answer === undefined || !('rows' in answer)) return answer;
    reads++;
    if (reads === 2) return { ...answer, cutAfterBytes: 50_000 };
    return reads > 2 ? answer : { ...answer, rows: untilDeadlock(answer.rows) };
  };
  const server = await startTdsServer({ handler });
  cleanups.push(() => server.stop());
  const exported = await run(server);
  expect(exported.cli).toMatchObject({ code: 0 });
  expect(exported.cli.stderr).toMatch(/deadlocked.*attempt 2 of/);
  expect(reads).toBe(3);
  const expected = ORDERS.rows!.map((row) => row.map((value, i) => expectedCell(ORDERS.columns[i]!, value)));
  expect(await differences('DuckDB', await filesOf(exported, 'dbo/orders'), expected)).toEqual([]);
});

async function* untilDeadlock(rows: ResultSet['rows']): AsyncGenerator<readonly WireValue[]> {
  let count = 0;
  for await (const row of rows) {
    if (count++ === 1000) throw new TdsError(1205, 'Transaction was deadlocked on lock resources.');
    yield row;
  }
}

test('each table is read as its own configuration says', async () => {
  const configs: Readonly<Record<string, { readonly config: string; readonly files: number }>> = {
    by_range: { config: 'RangeId:id:3', files: 3 },
    by_rank: { config: 'Ntile:customer:2', files: 2 },
    by_rest: { config: 'modulo:ID:2', files: 2 },
    by_place: { config: 'Physloc::2', files: 2 },
    by_month: { config: 'Timepartition:(at,year,month)', files: 1 },
    by_nothing: { config: 'None', files: 1 },
    misfit: { config: 'Random:customer:2', files: 0 },
  };
  const given = Object.entries(configs).map(([name, { config }]) => `dbo.${name}:${config}`);
  const rows = ORDERS.rows!.slice(0, 300);
  const tables = Object.keys(configs).map((name) => ({ ...ORDERS, name, rows }));
  const exported = await run(await serve(tables), { args: ['--table_config', given.join(';')] });
  // What does not fit fails its table alone, with the methods that do.
  expect(exported.cli.code).toBe(3);
  expect(exported.cli.stderr).toContain('Ntile, DataDriven');
  const failed = resultOf(exported).tables.filter(({ state }) => state === 'failed');
  expect(failed.map(({ table }) => table)).toEqual(['misfit']);

  const expected = rows.map((row) => row.map((value, i) => expectedCell(ORDERS.columns[i]!, value)));
  for (const [name, { files: count }] of Object.entries(configs).filter(([, { files }]) => files > 0)) {
    const files = await filesOf(exported, `dbo/${name}`);
    expect(files, name).toHaveLength(count);
    expect(await differences('DuckDB', files, expected), name).toEqual([]);
  }
  const [monthly] = await filesOf(exported, 'dbo/by_month');
  expect(path.basename(path.dirname(path.dirname(monthly!)))).toBe('year=2024');
  expect(path.basename(path.dirname(monthly!))).toBe('month=02');
});

test('the plan tells method, types and what is lost', async () => {
  const { cli } = await run(await serve([ORDERS]), {
    args: ['--dry_run', '--large_table_threshold', '100', '-p', '2'],
  });
  expect(cli.code).toBe(0);
  const plan = JSON.parse(cli.stdout) as { tables: Record<string, unknown>[] };
  expect(JSON.stringify(plan)).toContain('RangeId');
  expect(JSON.stringify(plan)).toContain('"lossy"');
});
