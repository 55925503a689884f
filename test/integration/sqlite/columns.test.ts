import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCliHere } from '../../harness/cli-here.js';
import { type CliResult, temporaryDirectory, type TemporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { readOf } from '../../../src/sources/sqlite/treated-columns.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';

/** Masked and converted columns of SQLite, whose values are computed in lakeport's own process. */

const SALT = 'pepper-of-the-test';
const CLEAR = 'clear-value';
const ROWS = 500;
const NUMBERS = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})`;

const TABLES = `
  CREATE TABLE people (id INTEGER PRIMARY KEY, email TEXT NOT NULL, phone TEXT, note TEXT, born TEXT, amount REAL, "o'd]d""" TEXT);
  ${NUMBERS} INSERT INTO people SELECT i, '${CLEAR}-é' || i, '${CLEAR}' || i, '${CLEAR}', '${CLEAR}', i / 4.0, '${CLEAR}' FROM n;
  INSERT INTO people VALUES (0, '', NULL, NULL, NULL, NULL, NULL);
  CREATE TABLE numbers (id INTEGER PRIMARY KEY, small INT, big BIGINT, real REAL, flag BOOLEAN, document TEXT);
  INSERT INTO numbers VALUES (1, 12, 9007199254740993, 1.005, 1, '{"a": 1}'), (2, -7, -3, -2.5, 0, '[1]'), (3, NULL, NULL, NULL, NULL, NULL);
  CREATE TABLE misfits (id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, fine INT, d DATE);
  INSERT INTO misfits VALUES (1, 5, 0.1, 'a', 1, '2024-01-01'), (2, 'many', 'none', x'00ff', 2, '2024-01-02'), (3, 1.5, 2, 7, 3, NULL);
`;

let home: TemporaryDirectory;
beforeAll(async () => {
  home = await temporaryDirectory();
});
afterAll(() => home.remove());

async function run(name: string, args: readonly string[]): Promise<CliResult & { readonly directory: string }> {
  const directory = path.join(home.path, name);
  const file = `${directory}.db`;
  const database = new DatabaseSync(file);
  database.exec(
    `PRAGMA encoding = '${name === 'UTF-16le' ? name : 'UTF-8'}'; DROP TABLE IF EXISTS people; DROP TABLE IF EXISTS numbers; DROP TABLE IF EXISTS misfits; ${TABLES}`,
  );
  database.close();
  const auth = await writeAuthFile(home.path, {
    db: { ds_type: 'sqlite', auth_mode: 'filesystem', info: { filepath: file } },
  });
  const out = path.join(directory, 'out');
  const flags = ['-a', auth, '--source_db_auth_id', 'db', '--output_dir', out, '--compression_type', 'None'];
  const env = { PEPPER: SALT, XDG_STATE_HOME: path.join(directory, 'state') };
  return { ...(await runCliHere([...flags, '--log_dir', path.join(directory, 'logs'), ...args], { env })), directory };
}

const rows = (directory: string, table: string) =>
  `read_parquet(${quote(path.join(directory, 'out', 'main', table, '*.parquet'))})`;
const hash = (text: string) => createHash('sha256').update(`${SALT}${text}`).digest('hex');

const MASKS = [
  ...[
    '--mask',
    'people:email:hash',
    '--mask',
    'people:phone:partial(1,2)',
    '--mask',
    `people:note:redact(it's ;-- "$$)`,
  ],
  ...[
    '--mask',
    'people:born:null',
    '--mask',
    'people:amount:hash',
    '--mask',
    `people:"o'd]d""":redact`,
    '--mask_salt',
    '$env{PEPPER}',
  ],
];

test.each(['UTF-8', 'UTF-16le'])('masks hide values in a database of %s', async (encoding) => {
  const slices = ['--table_config', 'people:::2', '--large_table_threshold', '10'];
  const { code, stdout, stderr, directory } = await run(encoding, ['-i', 'people', ...MASKS, ...slices]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const written = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const texts = written.map(({ parentPath, name }) => readFileSync(path.join(parentPath, name)).toString('latin1'));
  for (const secret of [CLEAR, SALT])
    expect([stdout, stderr, ...texts].some((text) => text.includes(secret))).toBe(false);
  const read = await queryDuckDb(`SELECT * FROM ${rows(directory, 'people')} ORDER BY id`);
  expect(read).toHaveLength(ROWS + 1);
  expect(read[0]).toEqual({
    ...{ id: '0', email: hash(''), phone: null, note: null, born: null, amount: null, [`o'd]d"`]: null },
  });
  expect(read[37]).toEqual({
    ...{ id: '37', email: hash(`${CLEAR}-é37`), phone: 'c***37', note: `it's ;-- "$$`, born: null },
    ...{ amount: hash('9.25'), [`o'd]d"`]: '***' },
  });
});

test('a masked rowid is no bound of slices', async () => {
  const args = ['-i', 'people', '--mask', 'people:id:hash', '--mask_salt', '$env{PEPPER}', '--json'];
  const automatic = await run('automatic', [...args, '-p', '4', '--large_table_threshold', '10']);
  expect(automatic.code).toBe(0);
  expect(JSON.parse(automatic.stdout)).toMatchObject({ totals: { rows: ROWS + 1, files: 1 } });
  const asked = await run('asked', [...args, '--table_config', 'people:Rowid::2']);
  expect(JSON.parse(asked.stdout)).toMatchObject({
    exit_code: 3,
    tables: [{ error: { code: 'PARTITION_KEY_MASKED' } }],
  });
});

test('columns have the types that were asked for', async () => {
  const types = [
    'small:decimal(5,2)',
    'big:double',
    'real:decimal(20,2)',
    'flag:text',
    'document:json',
    'id:decimal(12)',
  ].flatMap((type) => ['--column_type', `numbers.${type}`]);
  const { code, stderr, directory } = await run('types', ['-i', 'numbers', ...types]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const columns = ['id', 'small', 'big', 'real', 'flag', 'document'];
  const list = columns.map((name) => `typeof(${name}) || ' ' || ${name} AS ${name}`).join(', ');
  expect(
    await queryDuckDb(
      `SELECT ${list} FROM ${rows(directory, 'numbers')} ORDER BY numbers.id`.replace('numbers.id', 'id'),
    ),
  ).toEqual([
    {
      id: 'DECIMAL(12,0) 1',
      small: 'DECIMAL(5,2) 12.00',
      big: 'DOUBLE 9007199254740992.0',
      real: 'DECIMAL(20,2) 1.00',
      flag: 'VARCHAR 1',
      document: 'JSON {"a": 1}',
    },
    {
      id: 'DECIMAL(12,0) 2',
      small: 'DECIMAL(5,2) -7.00',
      big: 'DOUBLE -3.0',
      real: 'DECIMAL(20,2) -2.50',
      flag: 'VARCHAR 0',
      document: 'JSON [1]',
    },
    { id: 'DECIMAL(12,0) 3', small: null, big: null, real: null, flag: null, document: null },
  ]);
});

test.each([
  ['text', 'double', 'its values are not numbers'],
  ['integer', 'json', 'its values are not text'],
] as const)('a type that cannot be is refused: %s as %s', (kind, as, reason) => {
  const column = { name: 'c', sourceType: '', kind, quoted: '"c"', treatment: { type: { as } } };
  expect(() => readOf(column)).toThrow(reason);
});

test('a column with values that do not fit is text as a whole, and only such a column', async () => {
  const { code, stderr, directory } = await run('misfits', ['-i', 'misfits', '--on_unrepresentable', 'text']);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain('misfits');
  const described = await queryDuckDb(`DESCRIBE SELECT * FROM ${rows(directory, 'misfits')}`);
  expect(described.map((one) => one['column_type'])).toEqual([
    'BIGINT',
    'VARCHAR',
    'VARCHAR',
    'VARCHAR',
    'BIGINT',
    'VARCHAR',
  ]);
  expect(await queryDuckDb(`SELECT i, r, t FROM ${rows(directory, 'misfits')} ORDER BY id`)).toEqual([
    { i: '5', r: '0.1', t: 'a' },
    { i: 'many', r: 'none', t: '00FF' },
    { i: '1.5', r: '2.0', t: '7' },
  ]);
});
