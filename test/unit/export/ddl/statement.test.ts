import { describe, expect, it } from 'vitest';
import type { ColumnSpec } from '../../../../src/columns/column-spec.js';
import {
  BOOLEAN,
  BYTES,
  DATE,
  decimalType,
  DOUBLE,
  FLOAT,
  INT32,
  INT64,
  integerType,
  JSON_TEXT,
  STRING,
  timestampType,
  timeType,
  UUID,
} from '../../../../src/columns/parquet-types.js';
import type { DdlTable } from '../../../../src/export/ddl/map-table.js';
import { ddlText } from '../../../../src/export/ddl/statement.js';
import { DDL_DIALECTS, type DdlDialect } from '../../../../src/export/model/ddl-dialect.js';
import type { Place } from '../../../../src/storage/storage.js';
import { PLACES } from '../../../harness/ddl-tables.js';

function column(name: string, type: ColumnSpec['type'], more: Partial<ColumnSpec> = {}): DdlTable['columns'][number] {
  const spec = { name, type, fieldId: 1, nullable: true, list: false, sourceType: 'x', fidelity: 'exact' } as const;
  return { spec: { ...spec, ...more } };
}

const TABLE: DdlTable = {
  schema: 'public',
  name: 'orders',
  columns: [column('id', INT32, { nullable: false })],
  partitions: [],
  directories: [],
  place: PLACES.s3,
};

/** Where each dialect can read from. */
const READABLE: Readonly<Record<DdlDialect, readonly Place['kind'][]>> = {
  duckdb: ['local', 's3', 'gcs', 'azure'],
  spark: ['local', 's3', 'gcs', 'azure'],
  trino: ['local', 's3', 'gcs', 'azure'],
  athena: ['s3'],
  snowflake: ['s3', 'gcs', 'azure'],
  bigquery: ['gcs'],
  redshift: ['s3'],
  databricks: ['s3', 'gcs', 'azure'],
  clickhouse: ['local', 's3', 'gcs', 'azure'],
  fabric: ['azure'],
};

/** The statement for the first place that the dialect can read from. */
function textFor(dialect: DdlDialect, table: Partial<DdlTable>): string {
  const [kind = 's3'] = READABLE[dialect];
  return ddlText({ ...TABLE, place: PLACES[kind], ...table }, dialect);
}

/** Without comments. */
const code = (text: string) => text.replaceAll(/^--.*\n/gm, '');

describe('a statement', () => {
  it.each(DDL_DIALECTS)('of %s leads to where the files are, or says why there is none', (dialect) => {
    for (const [kind, place] of Object.entries(PLACES)) {
      const text = ddlText({ ...TABLE, place }, dialect);
      const isReadable = READABLE[dialect].some((one) => one === kind);
      if (isReadable) expect(code(text)).toContain('lake/daily/public/orders');
      else expect(text).toMatch(/^-- .*\n-- There is no statement for it: .* only\.\n$/);
    }
  });

  it('is written as each system takes locations', () => {
    const location = (dialect: DdlDialect, kind: Place['kind']) =>
      /'([^'\n]*lake\/daily\/public\/orders[^'\n]*)'/.exec(
        code(ddlText({ ...TABLE, place: PLACES[kind] }, dialect)),
      )?.[1];
    expect(location('duckdb', 'local')).toBe('/data/lake/daily/public/orders/*.parquet');
    expect(location('spark', 's3')).toBe('s3a://bucket/lake/daily/public/orders');
    expect(location('spark', 'azure')).toBe('abfss://files@account.dfs.core.windows.net/lake/daily/public/orders');
    expect(location('athena', 's3')).toBe('s3://bucket/lake/daily/public/orders/');
    expect(location('bigquery', 'gcs')).toBe('gs://bucket/lake/daily/public/orders/*.parquet');
    expect(location('snowflake', 'gcs')).toBe('gcs://bucket/lake/daily/public/orders/');
    expect(location('snowflake', 'azure')).toBe(
      'azure://account.blob.core.windows.net/files/lake/daily/public/orders/',
    );
    expect(location('clickhouse', 's3')).toBe(
      'https://bucket.s3.eu-west-1.amazonaws.com/lake/daily/public/orders/*.parquet',
    );
    expect(location('fabric', 'azure')).toBe(
      'https://account.blob.core.windows.net/files/lake/daily/public/orders/*.parquet',
    );
  });

  it.each(DDL_DIALECTS)(
    'of %s keeps quotes, backslashes and line ends in names and comments within bounds',
    (dialect) => {
      const comment = `it's \\ "so" \`x\` ]]\n-- ; DROP TABLE x; \${env:HOME}`;
      const odd = `o'd"d\`]\\ x`;
      const text = textFor(dialect, {
        comment,
        columns: [{ ...column('select', INT32), comment }, column(odd, INT32)],
      });
      for (const line of text.split('\n')) {
        if (/^-- ; DROP/.test(line)) continue;
        // Outside of a text, nothing begins a statement but what is meant to.
        expect(line).not.toMatch(/^\s*DROP/);
      }
      expect(code(text)).toMatch(/["`[]select["`\]]/);
      if (dialect === 'spark' || dialect === 'databricks') expect(text).not.toContain('${env');
    },
  );

  it('leaves out columns that have no type there, and says so', () => {
    const columns = [column('id', INT32), column('u', UUID, { sourceType: 'uuid' }), column('t', timeType('MICROS'))];
    const text = textFor('athena', { columns });
    expect(code(text)).not.toMatch(/`u`|`t`/);
    expect(text).toContain('-- Column u (uuid) is left out: Athena has no such type');
    expect(textFor('athena', { columns: columns.slice(1) })).toMatch(
      /There is no statement for it: Athena can read none/,
    );
    expect(code(textFor('duckdb', { columns }))).toMatch(/"id",\s+"u",\s+"t"/);
  });

  it.each(['spark', 'trino', 'athena', 'bigquery', 'redshift', 'databricks', 'duckdb', 'fabric'] as const)(
    'of %s is refused where names differ by case only',
    (dialect) => {
      const text = textFor(dialect, { columns: [column('a', INT32), column('A', INT32)] });
      expect(text).toContain('There is no statement for it: two of its columns are A');
    },
  );

  it.each(DDL_DIALECTS)('of %s gives tables with long or odd names others, each its own', (dialect) => {
    const names = ['x'.repeat(2000) + '1', 'x'.repeat(2000) + '2', 'a-b', 'a b', '1', 'ä'];
    const tables = names.map((name) => code(textFor(dialect, { name, schema: '' })).split('\n')[0]);
    expect(new Set(tables).size).toBe(names.length);
    if (dialect === 'athena') {
      for (const table of tables) expect(table).toMatch(/^CREATE EXTERNAL TABLE `\w{1,128}` \($/);
    }
  });

  it('declares directories as columns, with their types', () => {
    const partitions = [{ name: 'year' }, { name: 'region', type: STRING }, { name: 'day', type: DATE }];
    const directories = [
      { path: 'year=2024/region=EU/day=2024-02-29', values: ['2024', 'EU', '2024-02-29'] },
      { path: 'year=__HIVE_DEFAULT_PARTITION__/region=007/day=2024-02-29', values: [null, '007', '2024-02-29'] },
    ];
    const of = (dialect: DdlDialect) => textFor(dialect, { partitions, directories });
    expect(of('duckdb')).toContain(`hive_types = {'year': VARCHAR, 'region': VARCHAR, 'day': DATE}`);
    expect(of('duckdb')).toContain(`CAST(nullif("year", '__HIVE_DEFAULT_PARTITION__') AS INTEGER) AS "year"`);
    expect(of('spark')).toMatch(
      /`year` INT,\s+`region` STRING,\s+`day` DATE[^]*PARTITIONED BY \(`year`, `region`, `day`\)/,
    );
    expect(of('athena')).toMatch(/PARTITIONED BY \(\s+`year` int,\s+`region` string,\s+`day` date\s+\)/);
    expect(of('trino')).toContain(`partitioned_by = ARRAY['year', 'region', 'day']`);
    expect(of('redshift')).toContain(
      `PARTITION ("year" = 2024, "region" = 'EU', "day" = '2024-02-29') LOCATION 's3://bucket/lake/daily/public/orders/year=2024/region=EU/day=2024-02-29/'`,
    );
    expect(of('snowflake')).toContain(`SPLIT_PART(METADATA$FILENAME, '/', 5)`);
    expect(of('bigquery')).toMatch(/WITH PARTITION COLUMNS \(\s+`year` INT64,/);
    expect(of('fabric')).toMatch(/year=\*\/region=\*\/day=\*\/\*\.parquet[^]*/);
  });

  it('declares every type exactly, or says what is lost', () => {
    const types = {
      boolean: BOOLEAN,
      i8: integerType(8, { signed: true }),
      u16: integerType(16, { signed: false }),
      i32: INT32,
      i64: INT64,
      f: FLOAT,
      d: DOUBLE,
      n38: decimalType(38, 38),
      text: STRING,
      json: JSON_TEXT,
      bytes: BYTES,
      date: DATE,
      ts: timestampType('MICROS', { utc: false }),
      tz: timestampType('MICROS', { utc: true }),
    };
    const columns = Object.entries(types).map(([name, type]) => column(name, type));
    const declared = (dialect: DdlDialect) => code(textFor(dialect, { columns }));
    expect(declared('spark')).toContain('`n38` DECIMAL(38,38)');
    expect(declared('bigquery')).toContain('`n38` BIGNUMERIC(38,38)');
    expect(declared('clickhouse')).toContain('`n38` Nullable(Decimal(38,38))');
    expect(declared('snowflake')).toContain('"n38" NUMBER(38,38) AS (value:"n38"::NUMBER(38,38))');
    expect(declared('fabric')).toContain('[tz] datetime2(6)');
    expect(textFor('fabric', { columns })).toContain('Column tz (x): Fabric has no times with a zone');
    expect(textFor('athena', { columns })).toContain('Column ts (x): Athena shows milliseconds.');
  });
});
