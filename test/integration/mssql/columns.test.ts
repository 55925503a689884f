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

/** A column of each family of types, and values of it. */
const FAMILIES: readonly (readonly [name: string, type: string, values: readonly WireValue[]])[] = [
  ['flag', 'bit', [0, 1]],
  ['tiny', 'tinyint', [0, 255]],
  ['small', 'smallint', [-32768, 7]],
  ['whole', 'int', [-2147483648, 2147483647]],
  ['big', 'bigint', ['-9223372036854775808', '9007199254740993']],
  ['single', 'real', [0.5, -1.5]],
  ['double', 'float', [0.1, -1e300]],
  ['price', 'decimal(20,4)', ['-1234567890123456.0001', '0.5000']],
  ['cash', 'money', ['-0.0001', '922337203685477.5807']],
  ['coins', 'smallmoney', ['-214748.3648', '1.0000']],
  ['day', 'date', ['1582-10-15', '2024-02-29']],
  ['clock', 'time(3)', ['00:00:00.000', '23:59:59.987']],
  ['moment', 'datetime2(6)', ['1969-12-31T23:59:59.987654', '2024-02-29T12:34:56.000001']],
  ['old_moment', 'datetime', ['1753-01-01T00:00:00.000', '2024-02-29T12:34:56.003']],
  ['minute', 'smalldatetime', ['1900-01-01T00:00:00', '2024-02-29T12:34:00']],
  ['key', 'uniqueidentifier', ['6f9619ff-8b86-d011-b42d-00c04fc964ff', '00000000-0000-0000-0000-000000000000']],
  ['fixed', 'char(5)', ['ab   ', '12345']],
  ['letters', 'varchar(20)', ['', 'caf\u00e9']],
  ['wide', 'nvarchar(20)', ['', '\u00fcn\u00ef \u4e2d\u6587 \u{1F600}']],
  ['long', 'nvarchar(max)', ['x', '\u{1F600}'.repeat(5000)]],
  ['bytes', 'varbinary(20)', [Uint8Array.of(), Uint8Array.of(255, 0, 1)]],
  ['markup', 'xml', ['<a/>', '<b>\u00fc</b>']],
];

const KINDS: TestTable = {
  name: 'kinds',
  columns: [{ name: 'id', type: 'int', nullable: false }, ...FAMILIES.map(([name, type]) => ({ name, type }))],
  rows: [
    [0, ...FAMILIES.map(([, , values]) => values[0] ?? null)],
    [1, ...FAMILIES.map(([, , values]) => values[1] ?? null)],
    [2, ...FAMILIES.map(() => null)],
  ],
};

/** Values that one type or another cannot hold. */
const MISFITS: TestTable = {
  name: 'misfits',
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'amount', type: 'decimal(12,4)' },
    { name: 'ratio', type: 'float' },
    { name: 'fine', type: 'bigint' },
  ],
  rows: [
    [1, '1.5000', 0.25, 1],
    [2, '1234567.8901', 1e20, 2],
    [3, null, null, null],
  ],
};

let database: TestDatabase;
let server: TdsServer;
let gate: TcpGate;
let home: TemporaryDirectory;
const statements: string[] = [];

beforeAll(async () => {
  database = await TestDatabase.create([PEOPLE, KINDS, MISFITS]);
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

async function run(
  name: string,
  args: readonly string[],
  { host, port }: { readonly host: string; readonly port: number } = gate,
): Promise<CliResult & { readonly directory: string }> {
  const { user: username, password } = server;
  const info = { server: host, port, database: 'shop', username, password, encrypt: false };
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
  return { ...(await runCliHere([...flags, '--log_dir', path.join(directory, 'logs'), ...args], { env })), directory };
}

const rows = (directory: string, table = 'people') =>
  `read_parquet(${quote(path.join(directory, 'out', 'dbo', table, '*.parquet'))})`;
const hash = (text: string) => createHash('sha256').update(`${SALT}${text}`).digest('hex');

describe('masked columns', () => {
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
    '-i',
    'people',
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

describe('each method on each family of types', () => {
  const NAMES = FAMILIES.map(([name]) => name);
  let texts: readonly Record<string, unknown>[];
  const read = (directory: string) => queryDuckDb(`SELECT * FROM ${rows(directory, 'kinds')} ORDER BY id`);
  /** The table, written so. */
  const written = async (name: string, args: readonly string[]) => {
    const { code, stderr, directory } = await run(name, ['-i', 'kinds', ...args]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return directory;
  };
  beforeAll(async () => {
    const types = NAMES.flatMap((name) => ['--column_type', `kinds.${name}:text`]);
    texts = await read(await written('texts', types));
  }, 60_000);

  test.each<[string, readonly string[], (text: string) => string]>([
    ['hash', ['--mask_salt', '$env{PEPPER}'], hash],
    ['redact(-)', [], () => '-'],
    [
      'partial(1,2)',
      [],
      (text) => {
        const letters = Array.from(text);
        return letters.length > 3 ? `${letters[0] ?? ''}***${letters.slice(-2).join('')}` : '***';
      },
    ],
  ])('%s is computed of the text that a conversion to text writes, and NULL stays', async (method, more, masked) => {
    const masks = NAMES.flatMap((name) => ['--mask', `kinds:${name}:${method}`]);
    const found = await read(await written(`kinds ${method.slice(0, 4)}`, [...masks, ...more]));
    const expected = texts.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, text]) => [name, typeof text === 'string' ? masked(text) : text]),
      ),
    );
    expect(texts.slice(0, 2).every((row) => NAMES.every((name) => typeof row[name] === 'string'))).toBe(true);
    expect(found).toEqual(expected);
  });

  test('null keeps the type of each column', async () => {
    const types = async (directory: string) =>
      queryDuckDb(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${rows(directory, 'kinds')})`);
    const [plain, masked] = [
      await written('plain', []),
      await written('kinds null', ['--mask', 'kinds:%:null', '--column_type', 'kinds.id:double']),
    ];
    const found = await read(masked);
    expect(found).toEqual(texts.map((row) => Object.fromEntries(Object.keys(row).map((name) => [name, null]))));
    expect((await types(masked)).slice(1)).toEqual((await types(plain)).slice(1));
  });
});

describe('conversions', () => {
  test('of numbers and moments', async () => {
    const written = async (name: string, columns: string, types: readonly string[]) => {
      const args = types.flatMap((type) => ['--column_type', `kinds.${type}`]);
      const done = await run(name, ['-i', 'kinds', '--columns', `kinds:id,${columns}`, ...args]);
      expect(done.code === 0 ? '' : done.stderr).toBe('');
      const cells = columns.split(',').map((column) => `${column}::VARCHAR AS ${column}`);
      return queryDuckDb(`SELECT ${cells.join(', ')} FROM ${rows(done.directory, 'kinds')} ORDER BY id DESC`);
    };
    const numbers = ['big:double', 'price:decimal(38,6)', 'cash:double', 'tiny:decimal(5,1)'];
    expect((await written('numbers', 'big,price,cash,tiny', numbers)).slice(0, 2)).toEqual([
      { big: null, price: null, cash: null, tiny: null },
      { big: '9007199254740992.0', price: '0.500000', cash: '922337203685477.6', tiny: '255.0' },
    ]);
    expect((await written('moments', 'minute,moment', ['minute:timestamp(ns)', 'moment:timestamp(us)']))[1]).toEqual({
      minute: '2024-02-29 12:34:00',
      moment: '2024-02-29 12:34:56.000001',
    });
  });

  test('of values that do not fit fail, or make the column text in every part of the table', async () => {
    const args = [
      ...['-i', 'misfits', '--json'],
      ...['amount:decimal(6,2)', 'ratio:decimal(9,2)', 'fine:decimal(9,2)'].flatMap((type) => [
        '--column_type',
        `misfits.${type}`,
      ]),
    ];
    const refused = await run('misfits', args);
    expect(refused.code).not.toBe(0);
    const { code, stdout, directory } = await run('misfit texts', [...args, '--on_unrepresentable', 'text']);
    expect(code === 0 ? '' : stdout).toBe('');
    const types = await queryDuckDb(
      `SELECT column_name AS name, column_type AS type FROM (DESCRIBE SELECT * FROM ${rows(directory, 'misfits')})`,
    );
    expect(Object.fromEntries(types.map(({ name, type }) => [name, type]))).toEqual({
      ...{ id: 'INTEGER', amount: 'VARCHAR', ratio: 'VARCHAR', fine: 'DECIMAL(9,2)' },
    });
    const found = await queryDuckDb(
      `SELECT amount, fine::VARCHAR AS fine FROM ${rows(directory, 'misfits')} ORDER BY id`,
    );
    expect(found).toEqual([
      { amount: '1.5000', fine: '1.00' },
      { amount: '1234567.8901', fine: '2.00' },
      { amount: null, fine: null },
    ]);
  });
});

test('hash says that it needs SQL Server 2019, and other masks do not', async () => {
  const old = await TestDatabase.create([PEOPLE, KINDS], { version: '14.0.3456.2' });
  const other = await startTdsServer({ handler: old.handler });
  try {
    const masks = ['people:email:hash', 'kinds:wide:redact'].flatMap((mask) => ['--mask', mask]);
    const { code, stdout } = await run('old', [...masks, '--mask_salt', '$env{PEPPER}', '--dry_run', '--json'], other);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      tables: [{ table: 'kinds' }],
      problems: [
        {
          table: 'people',
          error: {
            code: 'MASK_NOT_SUPPORTED',
            message: expect.stringContaining('needs SQL Server 2019 or later') as string,
            hint: expect.stringContaining('null, redact or partial') as string,
          },
        },
      ],
    });
  } finally {
    await other.stop();
    old.close();
  }
});
