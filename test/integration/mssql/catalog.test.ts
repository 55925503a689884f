import { describe, expect, test } from 'vitest';
import type { DescribeOptions, TableOverride, ReadColumn, Source, SourceTable } from '../../../src/sources/source.js';
import { describeTable, openDatabase } from '../../servers/tds/open-database.js';
import type { Quirks, TestTable } from '../../servers/tds/test-tables.js';

const ID = { name: 'id', type: 'int', nullable: false } as const;
const rows = (count: number) => Array.from({ length: count }, (_, i) => [i]);

const TABLES: readonly TestTable[] = [
  { name: 'Orders', columns: [ID], rows: rows(3), statistics: { rows: 1200, pages: 10 } },
  { name: 'orders archive]2024', schema: 'Sales', columns: [ID], statistics: { rows: 5, pages: 1 } },
  { name: 'measures', columns: [ID], partitions: 4, statistics: { rows: 4000, pages: 400 } },
  { name: 'open_orders', kind: 'view', columns: [ID] },
  { name: 'sysdiagrams', columns: [ID], origin: 'tool' },
  { name: 'MSreplication_options', columns: [ID], origin: 'system' },
];

const shown = (tables: readonly SourceTable[]) =>
  tables.map(({ id, kind, estimatedRows, estimatedBytes }) => [
    `${id.schema}.${id.name}`,
    kind,
    estimatedRows,
    estimatedBytes,
  ]);

async function list(quirks: Quirks, views = false) {
  await using open = await openDatabase(TABLES, quirks);
  const tables = await open.source.listTables();
  return shown(tables.filter(({ optIns = [] }) => views || !optIns.includes('views')));
}

const OPTIONS: DescribeOptions = { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' };

describe('tables', () => {
  const all = [
    ['Sales.orders archive]2024', 'table', 5, 8192],
    ['dbo.Orders', 'table', 1200, 81920],
    ['dbo.measures', 'partitioned table', 4000, 3_276_800],
  ];

  test("are the user's own, in the case of the catalog, with their size by its statistics", async () => {
    expect(await list({})).toEqual(all);
  });

  test('come with views where those are asked for', async () => {
    expect(await list({}, true)).toEqual([...all, ['dbo.open_orders', 'view', undefined, undefined]]);
  });

  test.each([208, 229, 300])(
    'have sizes from other statistics where those of the state are refused by error %i',
    async (number) => {
      expect(await list({ refused: { 'sys.dm_db_partition_stats': number } })).toEqual(all);
    },
  );

  test('have no sizes where the server shows none', async () => {
    const refused = { 'sys.dm_db_partition_stats': 208, 'sys.partitions': 208 };
    expect(await list({ refused })).toEqual(all.map(([name]) => [name, 'table', undefined, undefined]));
  });

  test("are found by the standard's views where the server has no others", async () => {
    const names = (await list({ refused: { 'sys.objects': 208 } })).map(([name]) => name);
    expect(names).toEqual([
      'Sales.orders archive]2024',
      'dbo.MSreplication_options',
      'dbo.Orders',
      'dbo.measures',
      'dbo.sysdiagrams',
    ]);
  });

  test('are told from those of tools only where the server tells them', async () => {
    const names = (await list({ refused: { 'sys.extended_properties': 208 } })).map(([name]) => name);
    expect(names).toContain('dbo.sysdiagrams');
  });
});

test('the server says what it is', async () => {
  const product = async (quirks: Quirks) => {
    await using open = await openDatabase(TABLES, quirks);
    const { port } = open.server;
    expect(open.source.server).toMatchObject({ address: `127.0.0.1:${port}`, database: 'shop' });
    return open.source.server.product;
  };
  expect(await product({})).toBe('SQL Server 2022 (16.0.4105.2)');
  expect(await product({ version: '12.0.2000.8', edition: 5 })).toBe('Azure SQL Database');
  expect(await product({ version: '99.1' })).toBe('SQL Server (99.1)');
});

describe('columns', () => {
  const TYPES: readonly TestTable[] = [
    {
      name: 't',
      columns: [
        ID,
        { name: 'price', type: 'decimal(38,10)' },
        { name: 'name]x', type: 'nvarchar(50)', collation: 'Latin1_General_CI_AS' },
        { name: 'code', type: 'varchar(max)' },
        { name: 'doc', type: 'xml' },
        { name: 'note', type: 'ntext' },
        { name: 'any', type: 'sql_variant' },
        { name: 'place', type: 'geography', isAssembly: true },
        { name: 'node', type: 'hierarchyid', isAssembly: true },
        { name: 'point', type: 'Point', userType: 'Point', isAssembly: true },
        { name: 'phone', type: 'varchar(20)', userType: 'PhoneNumber', nullable: false },
        { name: 'at', type: 'datetime2(7)' },
        { name: 'version', type: 'rowversion', nullable: false },
        { name: 'sparse_columns', type: 'xml', isColumnSet: true },
        { name: 'graph_id_1', type: 'bigint', isHidden: true },
        { name: 'valid_from', type: 'datetime2(3)', nullable: false, isHidden: true, isPeriod: true },
      ],
    },
    { name: 'v', kind: 'view', columns: [ID] },
  ];

  const described = (columns: readonly ReadColumn[]) =>
    columns.map(({ spec, expression, decoder }) => [
      spec.fieldId,
      spec.sourceType,
      spec.nullable ? 'NULL' : 'NOT NULL',
      spec.fidelity,
      decoder.kind,
      expression,
    ]);

  const EXPECTED = [
    [1, 'int', 'NOT NULL', 'exact', 'int', '[id]'],
    [2, 'decimal(38,10)', 'NULL', 'exact', 'decimal', '[price]'],
    [3, 'nvarchar(50)', 'NULL', 'exact', 'nvarchar', '[name]]x]'],
    [4, 'varchar(max)', 'NULL', 'exact', 'varchar', '[code]'],
    [5, 'xml', 'NULL', 'exact', 'nvarchar', 'CONVERT(nvarchar(max), [doc])'],
    [6, 'ntext', 'NULL', 'exact', 'nvarchar', 'CONVERT(nvarchar(max), [note])'],
    [7, 'sql_variant', 'NULL', 'text', 'nvarchar', expect.stringContaining("WHEN N'float'") as string],
    [8, 'geography', 'NULL', 'exact', 'binary', 'CONVERT(varbinary(max), [place])'],
    [9, 'hierarchyid', 'NULL', 'text', 'nvarchar', 'CONVERT(nvarchar(4000), [node])'],
    [10, 'dbo.Point', 'NULL', 'exact', 'binary', 'CONVERT(varbinary(max), [point])'],
    [11, 'dbo.PhoneNumber (varchar(20))', 'NOT NULL', 'exact', 'varchar', '[phone]'],
    [12, 'datetime2(7)', 'NULL', 'lossy', 'datetime2', '[at]'],
    [13, 'timestamp', 'NOT NULL', 'exact', 'binary', '[version]'],
    [16, 'datetime2(3)', 'NOT NULL', 'exact', 'datetime2', '[valid_from]'],
  ];

  test('of every kind, without column sets and what is behind graph columns', async () => {
    await using open = await openDatabase(TYPES);
    expect(described((await describeTable(open.source, 't')).columns)).toEqual(EXPECTED);
  });

  test('of a server that declares all columns of results nullable', async () => {
    await using open = await openDatabase(TYPES, { allNullable: true });
    expect(described((await describeTable(open.source, 't')).columns)).toEqual(EXPECTED);
  });

  test('of a view may all be NULL', async () => {
    await using open = await openDatabase(TYPES);
    expect((await describeTable(open.source, 'v')).columns[0]?.spec.nullable).toBe(true);
  });

  test('keep the seventh digit of times in nanoseconds', async () => {
    await using open = await openDatabase(TYPES);
    const [table] = (await open.source.listTables()).filter(({ id }) => id.name === 't');
    const [answer] = await open.source.describe([table!], { ...OPTIONS, timestampUnit: 'ns' });
    const at =
      answer !== undefined && 'columns' in answer ? answer.columns.find(({ spec }) => spec.name === 'at') : undefined;
    expect(at?.spec).toMatchObject({ fidelity: 'exact', type: { logical: { kind: 'timestamp', unit: 'NANOS' } } });
  });

  test('whose values may be unrepresentable become nullable where those become NULL', async () => {
    await using open = await openDatabase(TYPES);
    const [table] = (await open.source.listTables()).filter(({ id }) => id.name === 't');
    const [answer] = await open.source.describe([table!], { ...OPTIONS, onUnrepresentable: 'null' });
    const nullable = (answer as { columns: ReadColumn[] }).columns.map(({ spec }) => [spec.name, spec.nullable]);
    expect(nullable).toContainEqual(['phone', true]);
    expect(nullable).toContainEqual(['id', false]);
  });

  test.each(['sys.columns', 'sys.objects'])("are those of the standard's views where %s is missing", async (view) => {
    const table = {
      name: 't',
      columns: TYPES[0]!.columns.filter(
        ({ isHidden, isColumnSet, isAssembly }) => !isHidden && !isColumnSet && !isAssembly,
      ),
    };
    await using open = await openDatabase([table], { refused: { [view]: 208 } });
    const sourceTypes = (await describeTable(open.source, 't')).columns.map(({ spec }) => spec.sourceType);
    expect(sourceTypes).toEqual([
      'int',
      'decimal(38,10)',
      'nvarchar(50)',
      'varchar(max)',
      'xml',
      'ntext',
      'sql_variant',
      'varchar(20)',
      'datetime2(7)',
      'rowversion',
    ]);
  });

  test('are found where one catalog keeps the case of names and the other does not', async () => {
    const table: TestTable = { name: 'Orders', schema: 'Sales', columns: [{ name: 'Id', type: 'int' }] };
    for (const refused of [{}, { 'sys.columns': 208 }]) {
      await using open = await openDatabase([table], { lowerCaseSys: true, refused });
      const { columns } = await describeTable(open.source, 'orders');
      expect(columns).toHaveLength(1);
    }
  });
});

describe('a table that cannot be read fails by itself', () => {
  const problem = async (table: Partial<TestTable>) => {
    const broken: TestTable = { name: 'broken', columns: [ID], ...table };
    await using open = await openDatabase([broken, { name: 'fine', columns: [ID] }]);
    const tables = await open.source.listTables();
    const [first, second] = await open.source.describe(tables, OPTIONS);
    expect(second).toHaveProperty('columns');
    if (first === undefined || !('error' in first)) throw new Error('it was described');
    expect(first.error.context.table).toBe('dbo.broken');
    return first.error;
  };

  test('where the user may not', async () => {
    const message = "The SELECT permission was denied on the object 'broken'.";
    const error = await problem({ refuses: { number: 229, message } });
    expect(error).toMatchObject({ code: 'TABLE_PERMISSION_DENIED', exit: 'tables-failed', message });
    expect(error.hint).toContain('GRANT SELECT ON [dbo].[broken]');
  });

  test('where the server will not convert a column', async () => {
    const message = 'Explicit conversion from data type vector to nvarchar(max) is not allowed.';
    expect(await problem({ refuses: { number: 529, message } })).toMatchObject({ code: 'TYPE_NOT_READABLE' });
  });

  test('where somebody holds it', async () => {
    const error = await problem({ refuses: { number: 1222, message: 'Lock request time out period exceeded.' } });
    expect(error).toMatchObject({ code: 'TABLE_LOCKED', transient: true });
  });

  test('where a view is broken', async () => {
    const message = "Could not use view or function 'broken' because of binding errors.";
    expect(await problem({ kind: 'view', refuses: { number: 4413, message } })).toMatchObject({ code: 'VIEW_BROKEN' });
  });
});

describe('consistency', () => {
  const pin = async (quirks: Quirks, consistency: 'auto' | 'run' | 'none') => {
    await using open = await openDatabase(TABLES, quirks);
    const { snapshot } = await open.source.pin([], { consistency });
    return `${snapshot.consistency}, ${snapshot.token ?? 'no token'}`;
  };

  test("is each table's own where the database keeps row versions", async () => {
    expect(await pin({ snapshotState: 1 }, 'auto')).toBe('table, row versions');
    expect(await pin({ snapshotState: 1 }, 'run')).toBe('table, row versions');
    expect(await pin({ readCommittedSnapshot: true }, 'auto')).toBe('table, no token');
  });

  test('is none where it does not, or is not asked for', async () => {
    expect(await pin({}, 'auto')).toBe('none, no token');
    expect(await pin({ snapshotState: 3 }, 'auto')).toBe('none, no token');
    expect(await pin({ snapshotState: 1 }, 'none')).toBe('none, no token');
    expect(await pin({ refused: { 'sys.databases': 208 } }, 'auto')).toBe('none, no token');
  });

  test('that is asked for has each table read by one query, unless its own configuration says otherwise', async () => {
    const indexes = [{ keys: ['id'], isClustered: true }];
    await using open = await openDatabase([{ name: 't', columns: [ID], rows: rows(100), indexes }], {
      snapshotState: 1,
    });
    const { table, columns } = await describeTable(open.source, 't');
    const count = async (consistency: 'auto' | 'run', override?: TableOverride) => {
      await open.source.pin([table], { consistency });
      return (await open.source.slice(table, columns, { degree: 2, largeTableThreshold: 10, override })).length;
    };
    expect(await count('auto')).toBe(2);
    expect(await count('run')).toBe(1);
    expect(await count('run', { degree: 2 })).toBe(2);
    expect(await count('auto')).toBe(2);
  });

  test('that is asked for and not to be had names the setting and the flag', async () => {
    await expect(pin({}, 'run')).rejects.toMatchObject({
      code: 'CONSISTENCY_NOT_AVAILABLE',
      exit: 'usage',
      hint: 'ALTER DATABASE [shop] SET ALLOW_SNAPSHOT_ISOLATION ON, or pass --consistency none',
    });
  });

  test('is said with the time of the server', async () => {
    await using open = await openDatabase(TABLES);
    const { snapshot } = await open.source.pin([], { consistency: 'auto' });
    expect(snapshot.takenAt).toMatch(/^2025-01-31.12:34:56\.123456Z$/);
  });
});

test('free connections are those that the server has left, where it tells', async () => {
  const free = async (source: Source) => source.freeConnections();
  await using open = await openDatabase(TABLES);
  expect(await free(open.source)).toBe(32_765);
  await using other = await openDatabase(TABLES, { refused: { 'sys.dm_exec_sessions': 300 } });
  expect(await free(other.source)).toBeUndefined();
});
