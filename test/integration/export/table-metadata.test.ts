import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { manifestSchema, type Manifest } from '../../../src/export/formats/directory/manifest-schema.js';
import { runCliHere } from '../../harness/cli-here.js';
import { postgresEntry } from '../../harness/cli.js';
import { readFooter } from '../../harness/parquet-readers/schema.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import { TestDatabase } from '../../servers/tds/test-database.js';

/* What the source declares about tables, in manifests and footers: keys, comments, defaults. */

let scratch: ScratchDirectory;
let postgres: PostgresServer;
let tds: TdsServer;
let database: TestDatabase;
let authFile: string;

const ODD = `o"dd ]'--`;
const quoted = `"${ODD.replaceAll('"', '""')}"`;

beforeAll(async () => {
  scratch = new ScratchDirectory();
  postgres = await startPostgres();
  await postgres.query(`
    CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL, ${quoted} text DEFAULT 'it''s', tax_id text DEFAULT 'secret-4711',
      CONSTRAINT one_email UNIQUE (email, id));
    CREATE UNIQUE INDEX by_email ON customers (email) INCLUDE (tax_id);
    CREATE UNIQUE INDEX some_only ON customers (tax_id) WHERE id > 5;
    CREATE UNIQUE INDEX lowered ON customers (lower(tax_id));
    COMMENT ON TABLE customers IS 'Who buys: it''s "them" 😀';
    COMMENT ON COLUMN customers.email IS 'Where we write to';
    COMMENT ON COLUMN customers.tax_id IS 'Kept for ten years';
    CREATE TABLE orders (region text, number bigint GENERATED ALWAYS AS IDENTITY, customer int, mail text, day date DEFAULT '2024-02-29',
      doubled int GENERATED ALWAYS AS (customer * 2) STORED, PRIMARY KEY (region, number),
      CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers,
      CONSTRAINT by_both FOREIGN KEY (mail, customer) REFERENCES customers (email, id)) PARTITION BY LIST (region);
    CREATE TABLE orders_eu PARTITION OF orders FOR VALUES IN ('eu');
    CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
    CREATE TABLE unchecked (c int);
    ALTER TABLE unchecked ADD CONSTRAINT later FOREIGN KEY (c) REFERENCES customers NOT VALID;
    CREATE TABLE parent (id int PRIMARY KEY, note text DEFAULT 'x'); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);
    CREATE TABLE parts (id int PRIMARY KEY, kind text, n numeric NOT NULL UNIQUE, size numeric(6,0) UNIQUE); INSERT INTO parts VALUES (1, 'a', 1, 1);
    COMMENT ON COLUMN parts.kind IS 'in the names of directories';
    INSERT INTO customers VALUES (1, 'a@x'); INSERT INTO orders (region, customer, mail) VALUES ('eu', 1, 'a@x'), ('us', 1, 'a@x')`);

  const file = path.join(scratch.path, 'lite.db');
  const lite = new DatabaseSync(file);
  lite.exec(`
    CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, ${quoted} TEXT DEFAULT 'it''s', tax_id TEXT DEFAULT 'secret-4711');
    CREATE UNIQUE INDEX two ON customers (email, id); CREATE UNIQUE INDEX some_only ON customers (tax_id) WHERE id > 5;
    CREATE UNIQUE INDEX lowered ON customers (lower(tax_id));
    CREATE TABLE orders (region TEXT, number INTEGER, customer INTEGER REFERENCES Customers, mail TEXT REFERENCES customers (EMAIL),
      gone INTEGER REFERENCES nowhere, PRIMARY KEY (region, number)) WITHOUT ROWID;
    CREATE TABLE names (name TEXT PRIMARY KEY);
    PRAGMA foreign_keys = OFF;
    INSERT INTO customers (id, email) VALUES (1, 'a@x'); INSERT INTO orders VALUES ('eu', 1, 1, 'a@x', NULL)`);
  lite.close();

  database = await TestDatabase.create([
    {
      name: 'customers',
      comment: "Who buys: it's them",
      columns: [
        { name: 'id', type: 'int', nullable: false },
        { name: 'email', type: 'nvarchar(50)', nullable: false, comment: 'Where we write to' },
        { name: ODD, type: 'nvarchar(50)', default: "(N'it''s')" },
        { name: 'tax_id', type: 'nvarchar(50)', default: "(N'secret-4711')", comment: 'Kept for ten years' },
      ],
      rows: [[1, 'a@x', null, null]],
      indexes: [
        { name: 'PK_customers', keys: ['id'], isClustered: true, isUnique: true, isPrimary: true },
        { name: 'by_email', keys: ['email'], isUnique: true },
        { name: 'not_unique', keys: [ODD] },
        { name: 'some_only', keys: ['tax_id'], isUnique: true, filtered: true },
      ],
    },
    {
      name: 'orders',
      columns: [
        { name: 'region', type: 'nvarchar(10)', nullable: false },
        { name: 'number', type: 'bigint', nullable: false },
        { name: 'customer', type: 'int' },
      ],
      rows: [['eu', 1, 1]],
      indexes: [{ name: 'PK_orders', keys: ['region', 'number'], isClustered: true, isUnique: true, isPrimary: true }],
      foreignKeys: [
        { name: 'of_customer', columns: ['customer'], references: 'customers', referenced: ['id'] },
        { name: 'later', columns: ['customer'], references: 'customers', referenced: ['id'], isTrusted: false },
      ],
    },
  ]);
  tds = await startTdsServer({ handler: database.handler });
  authFile = path.join(scratch.path, 'auth.json');
  const { port, user: username, password } = tds;
  const info = { server: 'localhost', port, database: 'shop', username, password, encrypt: false };
  const entries = {
    pg: postgresEntry(postgres),
    lite: { ds_type: 'sqlite', info: { filepath: file } },
    ms: { ds_type: 'mssql', auth_mode: 'classic', info },
  };
  await writeFile(authFile, JSON.stringify(entries), { mode: 0o600 });
});
afterAll(async () => {
  await Promise.all([postgres.stop(), tds.stop()]);
  database.close();
  scratch.remove();
});

let runs = 0;

/** @returns the directory of the tables */
async function exported(source: string, args: readonly string[] = []): Promise<string> {
  const directory = path.join(scratch.path, `out-${runs++}`);
  const { code, stderr } = await runCliHere(
    [...['-a', authFile, '--source-db-auth-id', source, '--output-dir', directory, ...args]],
    { env: { PEPPER: 'a long and random text, more or less' } },
  );
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return path.join(directory, { pg: 'public', lite: 'main', ms: 'dbo' }[source] ?? '');
}

function manifestOf(directory: string, table: string): Manifest {
  const text = readFileSync(path.join(directory, `_${table}.manifest.json`), 'utf8');
  return manifestSchema.parse(JSON.parse(text));
}

/** Keys, and what is said of columns, without names of the rest. */
function declared(directory: string, table: string) {
  const { comment, primary_key, unique_keys, foreign_keys, columns } = manifestOf(directory, table);
  const said = columns.flatMap(({ name, comment: text, default: expression }) =>
    text === undefined && expression === undefined ? [] : [[name, text, expression]],
  );
  return { comment, primary_key, unique_keys, foreign_keys, columns: said };
}

async function footerOf(directory: string, file: string): Promise<Record<string, unknown>> {
  const { key_value_metadata: pairs = [] } = await readFooter(path.join(directory, file));
  return Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

const CUSTOMER = { schema: 'public', table: 'customers', columns: ['id'] };

describe('what PostgreSQL declares', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await exported('pg', ['--large_table_threshold', '1', '--partition_by', 'parts:kind']);
  });

  it('is in manifests: keys that hold for all rows, comments, defaults', () => {
    expect(declared(directory, 'customers')).toEqual({
      comment: `Who buys: it's "them" 😀`,
      primary_key: { name: 'customers_pkey', columns: ['id'] },
      unique_keys: [
        { name: 'by_email', columns: ['email'] },
        { name: 'one_email', columns: ['email', 'id'] },
      ],
      foreign_keys: undefined,
      columns: [
        ['email', 'Where we write to', undefined],
        [ODD, undefined, `'it''s'::text`],
        ['tax_id', 'Kept for ten years', `'secret-4711'::text`],
      ],
    });
  });

  it('has the keys of partitioned tables once, and no defaults for generated columns', () => {
    expect(declared(directory, 'orders')).toEqual({
      comment: undefined,
      primary_key: { name: 'orders_pkey', columns: ['region', 'number'] },
      unique_keys: undefined,
      foreign_keys: [
        {
          name: 'by_both',
          columns: ['mail', 'customer'],
          references: { ...CUSTOMER, columns: ['email', 'id'] },
          validated: true,
        },
        { name: 'of_customer', columns: ['customer'], references: CUSTOMER, validated: true },
      ],
      columns: [['day', undefined, `'2024-02-29'::date`]],
    });
  });

  it('says of foreign keys whether they were ever checked', () => {
    expect(declared(directory, 'unchecked').foreign_keys).toEqual([
      { name: 'later', columns: ['c'], references: CUSTOMER, validated: false },
    ]);
  });

  it('says of columns that are names of directories what it says of others', () => {
    expect(manifestOf(directory, 'parts').partition_columns).toEqual([
      { name: 'kind', source_type: 'text', parquet_type: 'BYTE_ARRAY STRING', comment: 'in the names of directories' },
    ]);
  });

  it('is in the key-value metadata of the files', async () => {
    expect(await footerOf(directory, 'customers/part-00000.parquet')).toMatchObject({
      'lakeport.comment': `Who buys: it's "them" 😀`,
      'lakeport.primary_key': '["id"]',
      'lakeport.unique_keys': '[["email"],["email","id"]]',
      'lakeport.column_comments': '{"email":"Where we write to","tax_id":"Kept for ten years"}',
      'lakeport.column_defaults': JSON.stringify({ [ODD]: `'it''s'::text`, tax_id: `'secret-4711'::text` }),
    });
    const { 'lakeport.foreign_keys': keys } = await footerOf(directory, 'unchecked/part-00000.parquet');
    expect(JSON.parse(String(keys))).toEqual([
      { name: 'later', columns: ['c'], references: CUSTOMER, validated: false },
    ]);
  });

  it('is left out where it would be wrong or tell what a mask hides', async () => {
    const masked = await exported('pg', [
      ...['-i', 'customers,parts,parent,orders', '--query', 'asked=SELECT * FROM customers'],
      ...[
        '--mask',
        'customers:tax_id:redact',
        '--mask',
        'customers:email:partial(1,1)',
        '--mask',
        'orders:region:hash',
        '--mask_salt',
        '$env{PEPPER}',
      ],
      ...['--exclude_columns', 'orders:customer', '--column_type', 'parts.size:double', '--inherited', 'include'],
      ...['--unbounded_numeric', 'decimal(9,2)', '--on_unrepresentable', 'null'],
    ]);
    expect(declared(masked, 'customers')).toMatchObject({
      primary_key: { columns: ['id'] },
      unique_keys: undefined,
      columns: [
        ['email', 'Where we write to', undefined],
        [ODD, undefined, `'it''s'::text`],
        ['tax_id', 'Kept for ten years', undefined],
      ],
    });
    expect(JSON.stringify(await footerOf(masked, 'customers/part-00000.parquet'))).not.toContain('4711');
    // A hash is as unique as the value.
    expect(declared(masked, 'orders')).toMatchObject({
      primary_key: { columns: ['region', 'number'] },
      foreign_keys: undefined,
    });
    // Rows of the child have the same key.
    expect(declared(masked, 'parent')).toMatchObject({
      primary_key: undefined,
      columns: [['note', undefined, `'x'::text`]],
    });
    const query = manifestSchema.parse(
      JSON.parse(readFileSync(path.join(path.dirname(masked), '_asked.manifest.json'), 'utf8')),
    );
    expect(query).not.toHaveProperty('primary_key');
    expect(query.columns.every(({ default: expression }) => expression === undefined)).toBe(true);
  });
});

describe('what SQLite declares', () => {
  it('is in manifests and footers', async () => {
    const directory = await exported('lite');
    expect(declared(directory, 'customers')).toEqual({
      comment: undefined,
      primary_key: { columns: ['id'] },
      unique_keys: [{ columns: ['email'] }, { name: 'two', columns: ['email', 'id'] }],
      foreign_keys: undefined,
      columns: [
        [ODD, undefined, `'it''s'`],
        ['tax_id', undefined, `'secret-4711'`],
      ],
    });
    const references = { schema: 'main', table: 'customers' };
    expect(declared(directory, 'orders')).toMatchObject({
      primary_key: { columns: ['region', 'number'] },
      foreign_keys: [
        { columns: ['customer'], references: { ...references, columns: ['id'] }, validated: false },
        { columns: ['mail'], references: { ...references, columns: ['email'] }, validated: false },
      ],
    });
    expect(declared(directory, 'names').primary_key).toEqual({ columns: ['name'] });
    expect(await footerOf(directory, 'names/part-00000.parquet')).toMatchObject({ 'lakeport.primary_key': '["name"]' });
  });
});

describe('what SQL Server declares', () => {
  it('is in manifests and footers', async () => {
    const directory = await exported('ms');
    expect(declared(directory, 'customers')).toEqual({
      comment: "Who buys: it's them",
      primary_key: { name: 'PK_customers', columns: ['id'] },
      unique_keys: [{ name: 'by_email', columns: ['email'] }],
      foreign_keys: undefined,
      columns: [
        ['email', 'Where we write to', undefined],
        [ODD, undefined, "(N'it''s')"],
        ['tax_id', 'Kept for ten years', "(N'secret-4711')"],
      ],
    });
    const references = { schema: 'dbo', table: 'customers', columns: ['id'] };
    expect(declared(directory, 'orders')).toMatchObject({
      primary_key: { name: 'PK_orders', columns: ['region', 'number'] },
      foreign_keys: [
        { name: 'of_customer', columns: ['customer'], references, validated: true },
        { name: 'later', columns: ['customer'], references, validated: false },
      ],
    });
    expect(await footerOf(directory, 'orders/part-00000.parquet')).toMatchObject({
      'lakeport.primary_key': '["region","number"]',
    });
  });
});
