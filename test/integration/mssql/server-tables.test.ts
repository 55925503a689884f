import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MssqlSettings } from '../../../src/sources/mssql/connection/settings.js';
import type { ReadColumn, Source, SourceTable } from '../../../src/sources/source.js';
import { runCli, temporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { createMssqlDatabase, mssqlUrl, type MssqlDatabase } from '../../servers/mssql-server.js';

/** Tables of every kind, and what a user sees who may do little, with Microsoft's own server. */

const PASSWORD = 'Least-Grants-1';

describe.skipIf(mssqlUrl === undefined)('a real SQL Server', () => {
  let database: MssqlDatabase;
  let source: Source;

  beforeAll(async () => {
    // Names that differ by case only, and keywords that would have to be in the right case.
    database = await createMssqlDatabase({ collation: 'Latin1_General_100_CS_AS' });
    const statements = [
      `CREATE SCHEMA Sales`,
      `CREATE TABLE Sales.Orders (Id int NOT NULL PRIMARY KEY, Amount decimal(9,2) NOT NULL, Twice AS Amount * 2 PERSISTED, Thrice AS Amount * 3)`,
      `CREATE TABLE Sales.orders (Id int NOT NULL PRIMARY KEY)`,
      `INSERT INTO Sales.Orders (Id, Amount) VALUES (1, 1.25), (2, -3)`,
      `CREATE TABLE sparse_one (id int NOT NULL PRIMARY KEY, a int SPARSE NULL, b varchar(20) SPARSE NULL, all_of xml COLUMN_SET FOR ALL_SPARSE_COLUMNS)`,
      `INSERT INTO sparse_one (id, a) VALUES (1, 7), (2, NULL)`,
      `CREATE TABLE temporal_one (
         id int NOT NULL PRIMARY KEY, v int,
         valid_from datetime2(3) GENERATED ALWAYS AS ROW START HIDDEN NOT NULL,
         valid_to datetime2(3) GENERATED ALWAYS AS ROW END HIDDEN NOT NULL,
         PERIOD FOR SYSTEM_TIME (valid_from, valid_to)) WITH (SYSTEM_VERSIONING = ON (HISTORY_TABLE = dbo.temporal_history))`,
      `INSERT INTO temporal_one (id, v) VALUES (1, 1)`,
      `UPDATE temporal_one SET v = 2`,
      `CREATE PARTITION FUNCTION by_ten (int) AS RANGE RIGHT FOR VALUES (10, 20)`,
      `CREATE PARTITION SCHEME by_ten_scheme AS PARTITION by_ten ALL TO ([PRIMARY])`,
      `CREATE TABLE partitioned_one (id int NOT NULL PRIMARY KEY, v int) ON by_ten_scheme(id)`,
      `INSERT INTO partitioned_one VALUES (1, 1), (11, 1), (21, 1), (22, 1)`,
      `CREATE TABLE columnstore_one (id int, v int, INDEX whole CLUSTERED COLUMNSTORE)`,
      `INSERT INTO columnstore_one VALUES (1, 1), (2, 2)`,
      `CREATE VIEW big_orders AS SELECT Id, Amount FROM Sales.Orders WHERE Amount > 0`,
    ];
    for (const statement of statements) await database.query(statement);
    source = await database.openSource();
  });
  afterAll(async () => {
    await source.close();
    await database[Symbol.asyncDispose]();
  });

  const tableOf = async (name: string, from = source): Promise<SourceTable> => {
    const table = (await from.listTables()).find(({ id }) => id.name === name);
    if (table === undefined) throw new Error(`no table ${name}`);
    return table;
  };
  const columnsOf = async (table: SourceTable): Promise<readonly ReadColumn[]> => {
    const options = { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' } as const;
    const [described] = await source.describe([table], options);
    if (described === undefined || 'error' in described) throw described?.error ?? new Error('not described');
    return described.columns;
  };

  test('lists tables of every kind, in the case of the catalog', async () => {
    const listed = await source.listTables();
    expect(listed.map(({ id, kind, estimatedRows }) => [`${id.schema}.${id.name}`, kind, estimatedRows])).toEqual([
      ['Sales.Orders', 'table', 2],
      ['Sales.orders', 'table', 0],
      ['dbo.big_orders', 'view', undefined],
      ['dbo.columnstore_one', 'table', 2],
      ['dbo.partitioned_one', 'partitioned table', 4],
      ['dbo.sparse_one', 'table', 2],
      ['dbo.temporal_history', 'table', 1],
      ['dbo.temporal_one', 'table', 1],
    ]);
  });

  test.each([
    ['Orders', ['Id', 'Amount', 'Twice', 'Thrice']],
    ['sparse_one', ['id', 'a', 'b']],
    ['temporal_one', ['id', 'v', 'valid_from', 'valid_to']],
  ])('the columns of %s', async (name, expected) => {
    const columns = await columnsOf(await tableOf(name));
    expect(columns.map(({ spec }) => spec.name)).toEqual(expected);
  });

  test('rows of a columnstore have no location, and a key that is misspelled is told', async () => {
    const table = await tableOf('columnstore_one');
    const columns = await columnsOf(table);
    const ask = (override: object) => source.slice(table, columns, { degree: 2, largeTableThreshold: 1, override });
    await expect(ask({ method: 'Physloc' })).rejects.toMatchObject({ code: 'METHOD_NOT_SUPPORTED' });
    await expect(ask({ method: 'RangeId', key: 'idd' })).rejects.toMatchObject({
      code: 'PARTITION_KEY_UNKNOWN',
      hint: 'Its columns are id, v',
    });
  });

  test('all of them are exported', async () => {
    await using home = await temporaryDirectory();
    const auth = await writeAuthFile(home.path, {
      ds_ms: { ds_type: 'mssql', auth_mode: 'classic', info: database.info },
    });
    const args = ['-a', auth, '--source_db_auth_id', 'ds_ms', '--output_dir', `${home.path}/out`, '--include_views'];
    const { code, stdout, stderr } = await runCli([...args, '--json'], { env: { XDG_STATE_HOME: home.path } });
    expect(stderr).not.toContain('ERROR');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ totals: { rows: 13, failed: 0 } });
  });

  describe('a user who may only read', () => {
    const settings = (user: string, password: string): Partial<MssqlSettings> => ({
      authentication: { type: 'default', options: { userName: user, password } },
    });
    let login: string;
    beforeAll(async () => {
      login = `${database.name}_reader`;
      await database.query(`CREATE LOGIN ${login} WITH PASSWORD = '${PASSWORD}'`);
      await database.query(`CREATE USER ${login} FOR LOGIN ${login}; GRANT SELECT ON SCHEMA::Sales TO ${login}`);
    });
    afterAll(() => database.query(`DROP USER ${login}; DROP LOGIN ${login}`));

    test('sees the tables that are granted, with their sizes', async () => {
      const reader = await database.openSource(settings(login, PASSWORD));
      const listed = await reader.listTables();
      expect(listed.map(({ id, estimatedRows }) => [id.name, estimatedRows])).toEqual([
        ['Orders', 2],
        ['orders', 0],
      ]);
      await reader.close();
    });

    test('is told why a login is refused', async () => {
      await expect(database.openSource(settings(login, 'not-the-one'))).rejects.toMatchObject({
        code: 'SOURCE_PASSWORD_REJECTED',
        context: { detail: 'error 18456' },
      });
      await expect(
        database.openSource({ ...settings(login, PASSWORD), database: 'no_such_database' }),
      ).rejects.toMatchObject({ code: 'SOURCE_DATABASE_UNKNOWN', context: { detail: 'error 4060' } });
      await expect(database.openSource({ trustServerCertificate: false })).rejects.toMatchObject({
        code: 'SOURCE_TLS_UNTRUSTED',
      });
    });
  });
});
