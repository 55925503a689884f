import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wholeTable } from '../../../src/model/dataset.js';
import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import type { RowSink } from '../../../src/columns/row-sink.js';
import { openMssqlReader } from '../../../src/sources/mssql/reader.js';
import type { TableOverride, ReadColumn, Slice, Snapshot, Source, SourceTable } from '../../../src/sources/source.js';
import { runCli, temporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { createMssqlDatabase, mssqlUrl, type MssqlDatabase } from '../../servers/mssql-server.js';

/** Catalog, slices, consistency and faults with Microsoft's own server. */

const ROWS = 20_000;
const NEVER = new AbortController().signal;

/** Takes the first column, an int. */
class IdSink implements RowSink {
  readonly columns;
  readonly room = 1000;
  readonly ids: number[] = [];
  readonly #onCommit: () => void;

  constructor(columns: readonly ReadColumn[], onCommit: () => void = () => undefined) {
    this.#onCommit = onCommit;
    this.columns = createColumnBuffers(
      columns.map(({ spec }) => spec),
      { rowGroupRows: 1000 },
    );
  }

  commit(): undefined {
    const [id] = this.columns;
    if (id?.kind === 'int32') this.ids.push(...id.values.subarray(0, id.valueCount));
    for (const column of this.columns) column.clearPage();
    this.#onCommit();
  }
}

describe.skipIf(mssqlUrl === undefined)('a real SQL Server', () => {
  let database: MssqlDatabase;
  let source: Source;

  beforeAll(async () => {
    database = await createMssqlDatabase();
    await database.query(`
      CREATE TABLE numbers (
        id int NOT NULL PRIMARY KEY, big bigint, name nvarchar(20), code varchar(20), at datetime2(3), day date, price decimal(18,4));
      WITH n AS (SELECT TOP (${ROWS}) ROW_NUMBER() OVER (ORDER BY (SELECT 1)) AS i FROM sys.all_columns a, sys.all_columns b)
      INSERT INTO numbers
      SELECT i, CASE WHEN i % 7 = 0 THEN NULL WHEN i = 1 THEN -9223372036854775808 WHEN i = 2 THEN 9223372036854775807 ELSE i - 5000 END,
             CASE WHEN i % 11 = 0 THEN NULL ELSE CONCAT(CASE i % 2 WHEN 0 THEN N'a' ELSE N'A' END, i % 13) END,
             CONCAT('c', i % 5), DATEADD(hour, i, '2020-01-01'), DATEADD(day, i % 900, '2020-01-01'), i / 8.0 - 300
      FROM n`);
    await database.query(`SELECT * INTO heap FROM numbers`);
    source = await database.openSource();
  });
  afterAll(async () => {
    await source.close();
    await database[Symbol.asyncDispose]();
  });

  const lookUp = async (name: string): Promise<{ table: SourceTable; columns: readonly ReadColumn[] }> => {
    const table = (await source.listTables()).find(({ id }) => id.name === name);
    if (table === undefined) throw new Error(`no table ${name}`);
    const options = { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' } as const;
    const [described] = await source.describe([table], options);
    if (described === undefined || 'error' in described) throw described?.error ?? new Error('not described');
    return { table, columns: described.columns };
  };

  const readAll = async (
    columns: readonly ReadColumn[],
    slices: readonly Slice[],
    snapshot: Snapshot,
  ): Promise<number[]> => {
    const reader = await openMssqlReader({ engine: 'mssql', connection: database.settings }, snapshot);
    const ids: number[] = [];
    for (const slice of slices) {
      const sink = new IdSink(columns);
      const request = {
        dataset: wholeTable({ schema: 'dbo', name: 'numbers' }),
        columns,
        slice,
        onUnrepresentable: 'error',
      } as const;
      const { rows } = await reader.read(request, sink, NEVER);
      expect(sink.ids).toHaveLength(rows);
      ids.push(...sink.ids);
    }
    await reader.close();
    return ids.sort((a, b) => a - b);
  };

  test('lists tables with their rows', async () => {
    const { table } = await lookUp('numbers');
    expect(table).toMatchObject({ kind: 'table', estimatedRows: ROWS });
    expect(table.estimatedBytes).toBeGreaterThan(ROWS * 20);
    expect(source.server.product).toMatch(/^SQL Server|Azure/);
    expect(await source.freeConnections()).toBeGreaterThan(0);
  });

  const REQUESTS: readonly (TableOverride | undefined)[] = [
    undefined,
    { method: 'Physloc', key: undefined },
    ...['id', 'big', 'at', 'day', 'price'].map((key) => ({ method: 'RangeId', key }) as const),
    ...['id', 'big'].map((key) => ({ method: 'Random', key }) as const),
    ...['id', 'big', 'name', 'code', 'at', 'price'].map((key) => ({ method: 'Ntile', key }) as const),
    ...['name', 'code', '[id] % 3'].map((key) => ({ method: 'DataDriven', key }) as const),
    ...['(at,year)', '(at,year,month)', '(day,year,week)'].map((key) => ({ method: 'Timepartition', key }) as const),
  ];

  test.each(['numbers', 'heap'])('shares the rows of %s out by every method, each of them once', async (name) => {
    const { table, columns } = await lookUp(name);
    const { snapshot } = await source.pin([], { consistency: 'none' });
    for (const override of REQUESTS) {
      const slices = await source.slice(table, columns, { degree: 3, largeTableThreshold: 1000, override });
      const ids = await readAll(columns, slices, snapshot);
      expect(ids, JSON.stringify(override)).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
      expect(slices.length).toBeGreaterThan(1);
    }
  });

  test('a read sees one instant where the database keeps row versions, while others write', async () => {
    await expect(source.pin([], { consistency: 'run' })).rejects.toMatchObject({ code: 'CONSISTENCY_NOT_AVAILABLE' });
    await database.query(`ALTER DATABASE ${database.name} SET ALLOW_SNAPSHOT_ISOLATION ON`);
    const { snapshot } = await source.pin([], { consistency: 'run' });
    expect(snapshot.consistency).toBe('table');
    const { table, columns } = await lookUp('numbers');
    const [slice] = await source.slice(table, columns, { degree: 1, largeTableThreshold: 0 });
    const reader = await openMssqlReader({ engine: 'mssql', connection: database.settings }, snapshot);
    let writing: Promise<unknown> | undefined;
    const sink = new IdSink(columns, () => {
      writing ??= database.query(`UPDATE numbers SET id = id + 1000000 WHERE id > 10`);
    });
    const request = { dataset: table.dataset, columns, slice: slice!, onUnrepresentable: 'error' } as const;
    await reader.read(request, sink, NEVER);
    await writing;
    await reader.close();
    expect(sink.ids.sort((a, b) => a - b)).toEqual(Array.from({ length: ROWS }, (_, i) => i + 1));
    await database.query(`UPDATE numbers SET id = id - 1000000 WHERE id > 10`);
  });

  test('a read that is given up ends on the server', async () => {
    const { table, columns } = await lookUp('numbers');
    const reader = await openMssqlReader(
      { engine: 'mssql', connection: database.settings },
      { consistency: 'none', token: undefined, id: undefined, takenAt: '' },
    );
    const controller = new AbortController();
    const query = `SELECT a.* FROM numbers a CROSS JOIN numbers b /* endless */`;
    const slice: Slice = { index: 0, method: 'None', bounds: '', query, estimatedRows: undefined };
    const sink = new IdSink(columns, () => controller.abort(new Error('enough')));
    const request = { dataset: table.dataset, columns, slice, onUnrepresentable: 'error' } as const;
    await expect(reader.read(request, sink, controller.signal)).rejects.toThrow('enough');
    await reader.close();
    const running = await database.query(`
      SELECT COUNT(*) FROM sys.dm_exec_requests AS r CROSS APPLY sys.dm_exec_sql_text(r.sql_handle) AS t
      WHERE t.text LIKE N'%/* endless *' + N'/%' AND r.session_id <> @@SPID`);
    expect(running).toEqual([[0]]);
  });

  test('a session that is killed is a lost connection, and locks are not waited for without end', async () => {
    const { table, columns } = await lookUp('numbers');
    const none: Snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt: '' };
    const reader = await openMssqlReader({ engine: 'mssql', connection: database.settings }, none);
    const killed: Slice = {
      index: 0,
      method: 'None',
      bounds: '',
      query: `SELECT a.* FROM numbers a CROSS JOIN numbers b /* victim */`,
      estimatedRows: undefined,
    };
    let killing: Promise<unknown> | undefined;
    const sink = new IdSink(columns, () => {
      killing ??= database.query(`
        DECLARE @sql nvarchar(50) = (SELECT TOP (1) CONCAT(N'KILL ', r.session_id) FROM sys.dm_exec_requests AS r
          CROSS APPLY sys.dm_exec_sql_text(r.sql_handle) AS t WHERE t.text LIKE N'%/* victim *' + N'/%' AND r.session_id <> @@SPID);
        EXEC (@sql)`);
    });
    const request = { dataset: table.dataset, columns, onUnrepresentable: 'error' } as const;
    await expect(reader.read({ ...request, slice: killed }, sink, NEVER)).rejects.toMatchObject({
      exit: 'unreachable',
    });
    await killing;

    const holder = await database.connect();
    await holder.query(`BEGIN TRANSACTION; SELECT TOP (1) id FROM numbers WITH (TABLOCKX, HOLDLOCK)`);
    const [slice] = await source.slice(table, columns, { degree: 1, largeTableThreshold: 0 });
    await expect(reader.read({ ...request, slice: slice! }, new IdSink(columns), NEVER)).rejects.toMatchObject({
      code: 'TABLE_LOCKED',
    });
    holder.close();
    await reader.close();
  });

  test('exports by the command line', async () => {
    await using home = await temporaryDirectory();
    const entry = { ds_type: 'mssql', auth_mode: 'classic', info: database.info };
    const auth = await writeAuthFile(home.path, { ds_ms: entry });
    const args = ['-a', auth, '--source_db_auth_id', 'ds_ms', '--output_dir', `${home.path}/out`, '--json'];
    const { code, stdout, stderr } = await runCli([...args, '--large_table_threshold', '1000'], {
      env: { XDG_STATE_HOME: home.path },
    });
    expect(stderr).not.toContain('ERROR');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ totals: { rows: ROWS * 2, failed: 0 } });
  });
});
