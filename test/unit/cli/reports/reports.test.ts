import { describe, expect, it } from 'vitest';

import { parquetTypeName } from '../../../../src/columns/type-name.js';
import { planDocument, planText } from '../../../../src/cli/reports/plan-report.js';
import type { PlanDetail } from '../../../../src/cli/reports/plan-listing.js';
import { failureDocument, runDocument } from '../../../../src/cli/reports/run-json.js';
import { summaryText } from '../../../../src/cli/reports/summary.js';
import { byteSize, count, roughCount, timeSpan } from '../../../../src/text/quantities.js';
import { LakeportError } from '../../../../src/errors.js';
import type { ExportOptions } from '../../../../src/export/model/options.js';
import { captured, column, plan, runResult, tablePlan, tableResult } from './samples.js';

const target = { directory: './exports' };
const denied = new LakeportError({
  code: 'TABLE_PERMISSION_DENIED',
  message: 'permission denied for table secret',
  hint: 'GRANT SELECT',
  context: { table: 's.secret' },
});

function summary(...args: Parameters<typeof runResult>): string {
  return summaryText(runResult(...args), { output: captured().output, target });
}

describe('the summary', () => {
  it('lists tables by name with their rows, files, bytes, seconds and rates, and the totals', () => {
    const text = summary([
      tableResult({ name: 'orders', rows: 6_000_000, files: 8, bytes: 231_000_000, seconds: 8.21 }),
      tableResult({ name: 'items', rows: 10, files: 1, bytes: 999, seconds: 0.004 }),
    ]);
    expect(text).toBe(`TABLE          ROWS  FILES    SIZE  SECONDS     ROWS/S
s.items          10      1   999 B     0.00      2,500
s.orders  6,000,000      8  231 MB     8.21    730,816
2 tables  6,000,010      9  231 MB     2.00  3,000,005

2 tables exported to ./exports in 2.00 s (one snapshot of all tables, run 123e4567-e89b-42d3-a456-426614174000)
`);
  });

  it('tells of failed tables with their errors and hints', () => {
    const text = summary(
      [tableResult({ name: 'a' }), tableResult({ name: 'secret', state: 'failed', error: denied.toData() })],
      {
        exit: 'tables-failed',
      },
    );
    expect(text).toContain('1 table failed:\n  s.secret: permission denied for table secret\n    hint: GRANT SELECT\n');
    expect(text).toContain('1 of 2 tables exported');
  });

  it('tells of values written as NULL, and of tables that were not begun', () => {
    const text = summary([
      tableResult({ name: 'a', unrepresentable: { price: 3 } }),
      tableResult({ name: 'b', state: 'cancelled' }),
    ]);
    expect(text).toContain('their Parquet type cannot hold them:\n  s.a, price: 3\n');
    expect(text).toContain('1 table not exported: the run was ended before');
  });

  it('of 2,000 tables stays readable: the largest, what failed, and the rest in one line', () => {
    const tables = Array.from({ length: 2_000 }, (_, at) => tableResult({ name: `t${at}`, rows: at, bytes: at }));
    const text = summary([
      ...tables,
      tableResult({ name: 'secret', state: 'failed', error: denied.toData(), bytes: 0 }),
    ]);
    expect(text.split('\n').length).toBeLessThan(35);
    expect(text).toContain('s.t1999');
    expect(text).not.toContain('s.t5 ');
    expect(text).toMatch(/… 1,980 more tables +1,959,210 +1,980/);
    expect(text).toContain('s.secret: permission denied');
    expect(text).toMatch(/2,000 tables +1,999,000/);
  });

  it('of nothing published has no table', () => {
    expect(summary([tableResult({ name: 'secret', state: 'failed', error: denied.toData() })])).toMatch(
      /^1 table failed:/,
    );
  });

  it('shows no control characters of names', () => {
    const text = summary([tableResult({ name: 'a\u001b[2J\nb\u202e' })]);
    expect(text).toContain('s.a\\x1b[2J\\nb\\u202e');
  });

  it('has colours on a terminal only, and not with NO_COLOR', () => {
    const result = runResult([tableResult({ name: 'a' })]);
    const coloured = (options: Parameters<typeof captured>[0]) =>
      summaryText(result, { output: captured(options).output, target }).includes('\u001b[');
    expect(coloured({ terminal: true })).toBe(true);
    expect(coloured({ terminal: false })).toBe(false);
    expect(coloured({ terminal: true, environment: { NO_COLOR: '1' } })).toBe(false);
    expect(coloured({ terminal: true, environment: { NO_COLOR: '' } })).toBe(true);
    expect(coloured({ terminal: true, environment: { TERM: 'dumb' } })).toBe(false);
  });
});

const SOURCE = { entry: 'ds_pg', product: 'PostgreSQL 17', address: 'h:5432', database: 'shop' };

describe('the JSON document', () => {
  it('holds every table and the totals', () => {
    const result = runResult(
      [
        tableResult({ name: 'a', rows: 10, unrepresentable: { x: 1 } }),
        tableResult({ name: 'secret', state: 'failed', files: 0, error: denied.toData() }),
      ],
      { exit: 'tables-failed' },
    );
    expect(runDocument(result, { source: SOURCE, target, routes: [] })).toEqual({
      lakeport: expect.any(String) as string,
      command: 'export',
      run_id: result.runId,
      exit_code: 3,
      source: SOURCE,
      target: './exports',
      routes: [],
      started_at: result.startedAt,
      ended_at: result.endedAt,
      seconds: 2,
      consistency: 'run',
      totals: { tables: 2, completed: 1, failed: 1, cancelled: 0, rows: 10, files: 1, bytes: 200, rows_per_second: 5 },
      tables: [
        {
          schema: 's',
          table: 'a',
          state: 'completed',
          rows: 10,
          files: 1,
          bytes: 100,
          seconds: 1,
          rows_per_second: 10,
          storage: '--output_dir',
          path: 'out/s/a',
          unrepresentable: { x: 1 },
        },
        {
          schema: 's',
          table: 'secret',
          state: 'failed',
          rows: 0,
          files: 0,
          bytes: 100,
          seconds: 1,
          rows_per_second: 0,
          storage: '--output_dir',
          path: 'out/s/secret',
          unrepresentable: {},
          error: {
            code: 'TABLE_PERMISSION_DENIED',
            message: 'permission denied for table secret',
            hint: 'GRANT SELECT',
            context: { table: 's.secret' },
          },
        },
      ],
      skipped: [],
      warnings: [],
    });
  });

  it('of a failure has its code and exit code, and no stack', () => {
    expect(failureDocument(denied, { command: 'plan' })).toEqual({
      lakeport: expect.any(String) as string,
      command: 'plan',
      exit_code: 3,
      error: {
        code: 'TABLE_PERMISSION_DENIED',
        message: denied.message,
        hint: 'GRANT SELECT',
        context: { table: 's.secret' },
      },
    });
  });
});

describe('the plan', () => {
  const columns = [
    column({ name: 'id', nullable: false, type: { physical: 'INT64' }, sourceType: 'bigint' }),
    column({
      name: 'price',
      type: { physical: 'FIXED_LEN_BYTE_ARRAY', length: 6, logical: { kind: 'decimal', precision: 12, scale: 2 } },
      sourceType: 'numeric(12,2)',
    }),
    column({ name: 'rate', type: { physical: 'DOUBLE' }, sourceType: 'numeric', fidelity: 'lossy' }),
    column({
      name: 'tags',
      list: true,
      type: { physical: 'BYTE_ARRAY', logical: { kind: 'string' } },
      sourceType: 'text[]',
    }),
  ];
  const options = {
    maxRowsPerFile: undefined,
    target,
    routes: [],
    runId: 'r',
    sourceId: 'ds_pg',
  } as unknown as ExportOptions;
  const sample = plan({
    tables: [
      tablePlan({ name: 'orders', estimatedRows: 6_000_000, slices: 8, columns }),
      tablePlan({ name: 'view', kind: 'view' }),
    ],
    problems: [{ id: { schema: 's', name: 'secret' }, error: denied, storageId: 'x', displayPath: 'out/s/secret' }],
  });

  it('is a readable list of tables, columns and what would fail', () => {
    expect(planText(sample, { output: captured().output, exportOptions: options }))
      .toBe(`Source       shop on db:5432 (PostgreSQL 17.9)
Tables       2, about 6,000,000 rows, 600 MB in the database
Consistency  run: all tables and readers see one snapshot
Connections  3 at most: 2 readers and the planner
Row check    count: rows of 1 table are also counted by the server
Memory       150 MB at most for each reader, 300 MB for all
             of each: 100 MB for row groups, 46.0 MB for columns, 4.00 MB for a batch

TABLE                ROWS    SIZE  METHOD  READERS  FILES  TARGET
s.orders       ~6,000,000  600 MB  Ctid          2      8  out/s/orders
s.view (view)           ?       ?  None          1      1  out/s/view

s.orders
  COLUMN  SOURCE TYPE    PARQUET TYPE                           NULLABLE  FIDELITY
  id      bigint         INT64                                  not null  exact
  price   numeric(12,2)  FIXED_LEN_BYTE_ARRAY(6) DECIMAL(12,2)  null      exact
  rate    numeric        DOUBLE                                 null      lossy
  tags    text[]         LIST<BYTE_ARRAY STRING>                null      exact

s.view
  COLUMN  SOURCE TYPE  PARQUET TYPE  NULLABLE  FIDELITY
  id      integer      INT32         null      exact

1 table would fail:
  s.secret: permission denied for table secret
    hint: GRANT SELECT

Rows and sizes are estimates of the database. Nothing was written.
`);
  });

  it('names the tables that a common reader does not open, and the flag that helps', () => {
    const uuid = column({
      name: 'key',
      sourceType: 'uuid',
      type: { physical: 'FIXED_LEN_BYTE_ARRAY', length: 16, logical: { kind: 'uuid' } },
    });
    const refused = plan({ tables: [tablePlan({ name: 'plain' }), tablePlan({ name: 'users', columns: [uuid] })] });
    const text = planText(refused, { output: captured().output, exportOptions: options });
    expect(text).toContain('Spark would not open 1 table, because of column types that it does not support:');
    expect(text).toContain('  s.users: key uuid\n    hint: --compat spark writes them as text');
    expect(planDocument(refused, options)).toMatchObject({
      tables: [{}, { columns: [{ name: 'key', refused_by: ['spark'] }] }],
    });
    expect(text).not.toContain('s.plain:');
  });

  it('says that Spark may not decode the floats of compact files, unless they are written for it', () => {
    const rate = column({ name: 'rate', sourceType: 'double precision', type: { physical: 'DOUBLE' } });
    const floats = plan({ tables: [tablePlan({ name: 'plain' }), tablePlan({ name: 'rates', columns: [rate] })] });
    const text = (more: Partial<ExportOptions>) =>
      planText(floats, { output: captured().output, exportOptions: { ...options, ...more } });
    expect(text({ encoding: 'compact' })).toContain(
      'Spark may not decode the floats of 1 table: --encoding compact may write them in BYTE_STREAM_SPLIT\n    hint: --compat spark ',
    );
    expect(text({ encoding: 'compact', compat: 'spark' })).not.toContain('BYTE_STREAM_SPLIT');
    expect(text({})).not.toContain('BYTE_STREAM_SPLIT');
  });

  it('counts the files that --max-rows-per-file makes', () => {
    const text = planText(sample, {
      output: captured().output,
      exportOptions: { ...options, maxRowsPerFile: 250_000 },
    });
    expect(text).toMatch(/s\.orders .* ~24 +out/);
  });

  describe('of 2,000 tables', () => {
    const tables = Array.from({ length: 2_000 }, (_, at) =>
      tablePlan({
        name: `t${at}`,
        estimatedRows: 10_000 - at,
        columns: at === 1007 ? columns : columns.slice(0, 2),
        slices: at === 3 ? 4 : 1,
      }),
    );
    const failures = Array.from({ length: 500 }, (_, at) => ({
      id: { schema: 's', name: `secret${at}` },
      error: denied,
      storageId: 'x',
      displayPath: '',
    }));
    const many = plan({ tables, problems: failures });
    const text = (detail?: PlanDetail) =>
      planText(many, { output: captured().output, exportOptions: options, ...(detail && { detail }) });

    it('shows totals, the largest and what needs attention, without filling the terminal', () => {
      const overview = text();
      expect(overview.split('\n').length).toBeLessThan(80);
      expect(overview).toMatch(/^Tables +2,000, about 18,001,000 rows/m);
      expect(overview).toContain('s.t19 ');
      expect(overview).not.toContain('s.t20 ');
      expect(overview).toMatch(/^… 1,980 more tables +~17,801,190 .* 1,980$/m);
      expect(overview).toMatch(/^s\.t1007\.rate +numeric +DOUBLE +lossy$/m);
      expect(overview.match(/numeric/g)).toHaveLength(1);
      expect(overview).toContain('500 tables would fail:');
      expect(overview).toContain('… 490 more; --json has all');
    });

    it('lists all of them on request, each in a line', () => {
      expect(text({ allTables: true, tables: [] }).match(/^s\.t\d+ /gm)).toHaveLength(2_000);
    });

    it('shows tables that are asked for by pattern in full, with their slices', () => {
      const some = text({ allTables: false, tables: ['s.t1007', 't3'] });
      expect(some.match(/^s\.t\d+ /gm)).toEqual(['s.t3 ', 's.t1007 ']);
      expect(some).toMatch(/^s\.t3: slices\n {2}SLICE .*\n(?: {6}[0-3] .*\n){4}/m);
      expect(some.match(/COLUMN/g)).toHaveLength(2);
    });

    it('tells of a pattern that no table of the plan matches, with the nearest', () => {
      expect(() => text({ allTables: false, tables: ['s.t100x'] })).toThrow(
        /^No table of the plan matches "s.t100x"; the nearest existing table is s.t100/,
      );
    });

    it('has all of them as JSON', () => {
      expect(planDocument(many, options).tables).toHaveLength(2_000);
      expect(planDocument(many, options).problems).toHaveLength(500);
    });
  });

  it('is one JSON document too', () => {
    const document = planDocument(sample, options);
    expect(document).toMatchObject({
      command: 'plan',
      exit_code: 3,
      source: { entry: 'ds_pg', product: 'PostgreSQL 17.9', address: 'db:5432', database: 'shop' },
      consistency: 'run',
      readers: 2,
      connections: 3,
      tables: [
        {
          schema: 's',
          table: 'orders',
          estimated_rows: 6_000_000,
          method: 'Ctid',
          readers: 2,
          files: 8,
          path: 'out/s/orders',
          columns: [
            { name: 'id', source_type: 'bigint', parquet_type: 'INT64', nullable: false, fidelity: 'exact' },
            { name: 'price' },
            { name: 'rate', fidelity: 'lossy' },
            { name: 'tags', parquet_type: 'LIST<BYTE_ARRAY STRING>' },
          ],
        },
        { table: 'view', estimated_rows: null },
      ],
      problems: [{ schema: 's', table: 'secret', error: { code: 'TABLE_PERMISSION_DENIED' } }],
    });
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });
});

describe('names of Parquet types', () => {
  it.each([
    [{ kind: 'integer', bitWidth: 16, signed: true }, 'INT32 INT(16)'],
    [{ kind: 'integer', bitWidth: 8, signed: false }, 'INT32 UINT(8)'],
    [{ kind: 'date' }, 'INT32 DATE'],
    [{ kind: 'time', unit: 'MICROS', utc: false }, 'INT32 TIME(MICROS)'],
    [{ kind: 'timestamp', unit: 'NANOS', utc: true }, 'INT32 TIMESTAMP(NANOS, UTC)'],
    [{ kind: 'json' }, 'INT32 JSON'],
    [{ kind: 'uuid' }, 'INT32 UUID'],
  ] as const)('%j is %s', (logical, name) => {
    expect(parquetTypeName(column({ name: 'x', type: { physical: 'INT32', logical } }))).toBe(name);
  });
});

describe('amounts', () => {
  it('are rounded for people', () => {
    expect([0, 999, 1000, 231_400_000, 5.5e15].map(byteSize)).toEqual(['0 B', '999 B', '1.00 kB', '231 MB', '5.50 PB']);
    expect([0, 9999, 10_000, 1_234_567].map(roughCount)).toEqual(['0', '9,999', '10.0 k', '1.23 M']);
    expect([0.004, 9.5, 59.9, 60, 3599, 3600, 7500].map(timeSpan)).toEqual([
      '0.00 s',
      '9.50 s',
      '59.9 s',
      '1m 00s',
      '59m 59s',
      '1h 00m',
      '2h 05m',
    ]);
    expect(count(1_234_567)).toBe('1,234,567');
  });
});
