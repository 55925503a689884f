import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCliHere } from '../../harness/cli-here.js';
import { type CliResult, temporaryDirectory, type TemporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';
import type { WireValue } from '../../servers/tds/result-set.js';
import { startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import { TestDatabase } from '../../servers/tds/test-database.js';
import type { TestTable } from '../../servers/tds/test-tables.js';

/** Masked and converted columns of a server that speaks TDS. */

const SALT = 'pepper-of-the-test';
const CLEAR = 'clear-value';
const ROWS = 300;

const PEOPLE: TestTable = {
  name: 'people',
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'email', type: 'nvarchar(80)', nullable: false },
    { name: 'phone', type: 'varchar(40)' },
    { name: 'note ;--', type: 'nvarchar(max)' },
    { name: 'born', type: 'date' },
    { name: 'amount', type: 'decimal(12,4)' },
    { name: 'rank', type: 'bigint' },
  ],
  rows: Array.from({ length: ROWS }, (_, i): WireValue[] => [
    ...[i, `${CLEAR}-é${i}`, i === 3 ? null : `${CLEAR}${i}`, CLEAR, '2024-02-29', `${i}.1250`, i * 10],
  ]),
  indexes: [{ keys: ['id'], isClustered: true, isUnique: true }],
  statistics: { rows: ROWS, pages: 100 },
};

let database: TestDatabase;
let server: TdsServer;
let gate: TcpGate;
let home: TemporaryDirectory;
const statements: string[] = [];

beforeAll(async () => {
  database = await TestDatabase.create([PEOPLE]);
  server = await startTdsServer({
    handler: (query) => {
      statements.push(query.sql);
      return database.handler(query);
    },
  });
  gate = await startTcpGate(server, { isRecording: true });
  home = await temporaryDirectory();
});
afterAll(async () => {
  await home.remove();
  await gate.stop();
  await server.stop();
  database.close();
});

async function run(name: string, args: readonly string[]): Promise<CliResult & { readonly directory: string }> {
  const { user: username, password } = server;
  const info = { server: gate.host, port: gate.port, database: 'shop', username, password, encrypt: false };
  const auth = await writeAuthFile(home.path, { ds_ms: { ds_type: 'mssql', auth_mode: 'classic', info } });
  const directory = path.join(home.path, name);
  const flags = [
    '-a',
    auth,
    '--source_db_auth_id',
    'ds_ms',
    '--output_dir',
    path.join(directory, 'out'),
    '--compression_type',
    'None',
  ];
  const env = { PEPPER: SALT, XDG_STATE_HOME: path.join(directory, 'state') };
  return { ...(await runCliHere([...flags, '--log_dir', path.join(directory, 'logs'), ...args], env)), directory };
}

const rows = (directory: string) => `read_parquet(${quote(path.join(directory, 'out', 'dbo', 'people', '*.parquet'))})`;

describe('masked columns', () => {
  const hash = (text: string) => createHash('sha256').update(`${SALT}${text}`).digest('hex');
  let result: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    const masks = [
      'email:hash',
      'phone:partial(1,2)',
      `[note ;--]:redact(it's ;)`,
      'born:null',
      'amount:hash',
      'rank:null',
    ];
    const args = [...masks.flatMap((mask) => ['--mask', `dbo.people:${mask}`]), '--mask_salt', '$env{PEPPER}'];
    result = await run('masks', [...args, '-p', '2', '--large_table_threshold', '10']);
  }, 60_000);

  test('are nowhere in clear, nor is the salt, which is a parameter', () => {
    const { code, stdout, stderr, directory } = result;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const texts = files.map(({ parentPath, name }) => readFileSync(path.join(parentPath, name)).toString('latin1'));
    const wire = gate.fromServer();
    const received = [wire.toString('latin1'), wire.toString('utf16le'), wire.subarray(1).toString('utf16le')];
    for (const secret of [CLEAR, SALT]) {
      expect([stdout, stderr, ...texts, ...received, ...statements].some((text) => text.includes(secret))).toBe(false);
    }
    expect(statements.some((sql) => sql.includes('@lakeport_mask_salt'))).toBe(true);
  });

  test('hold the masks, and NULL where they had it', async () => {
    const read = await queryDuckDb(`SELECT * FROM ${rows(result.directory)} ORDER BY id`);
    expect(read).toHaveLength(ROWS);
    expect(read[37]).toEqual({
      ...{ id: 37, email: hash(`${CLEAR}-é37`), phone: 'c***37', 'note ;--': `it's ;`, born: null },
      ...{ amount: hash('37.1250'), rank: null },
    });
    expect(read[3]).toMatchObject({ phone: null });
    const types = await queryDuckDb(`DESCRIBE SELECT born, rank FROM ${rows(result.directory)}`);
    expect(types.map((one) => one['column_type'])).toEqual(['DATE', 'BIGINT']);
  });
});

test('a masked key is not chosen to split a table by its values', async () => {
  const { stdout } = await run('keys', [
    '--mask',
    'people:id:null',
    '-p',
    '2',
    '--large_table_threshold',
    '10',
    '--dry_run',
    '--json',
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ tables: [{ method: 'Physloc' }] });
});

test('a type that cannot be is refused in the plan, with the reason', async () => {
  const { code, stderr } = await run('refused', ['--column_type', 'people.email:double']);
  expect(code).toBe(3);
  expect(stderr).toContain('cannot be written as double: its values are not numbers');
});
