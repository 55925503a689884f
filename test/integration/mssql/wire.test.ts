import { spawn, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Connection, Request } from 'tedious';
import type { ResultEncoding, WireColumn, WireValue } from '../../servers/tds/result-set.js';
import { PASSWORD, startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import { saySkipped } from '../../harness/skipped.js';

/**
 * The test server against clients that are not ours and know real servers: FreeTDS, written in C, and the driver's own
 * parser of rows, which our reader goes past.
 */

const COLUMNS: readonly (WireColumn & {
  readonly value: WireValue;
  readonly freetds?: string;
  readonly driver?: unknown;
})[] = [
  { name: 'bit', type: 'bit', value: 1, driver: true },
  { name: 'tinyint', type: 'tinyint', value: 255 },
  { name: 'smallint', type: 'smallint', value: -32768 },
  { name: 'int', type: 'int', value: -2147483648 },
  { name: 'bigint', type: 'bigint', value: '-9223372036854775808' },
  { name: 'real', type: 'real', value: 1.5 },
  { name: 'float', type: 'float', value: 3.141592653589793, freetds: '3.1415926535897931' },
  { name: 'decimal9', type: 'decimal(9,2)', value: '-1234567.89', driver: -1234567.89 },
  { name: 'decimal19', type: 'decimal(19,4)', value: '123456789012345.6789', driver: 123456789012345.67 },
  {
    name: 'decimal28',
    type: 'decimal(28,0)',
    value: '-1234567890123456789012345678',
    driver: -1234567890123456800000000000,
  },
  {
    name: 'decimal38',
    type: 'numeric(38,10)',
    value: '1234567890123456789012345678.0123456789',
    driver: 1.2345678901234567e27,
  },
  { name: 'money', type: 'money', value: '-922337203685477.5808', driver: -922337203685477.6 },
  { name: 'smallmoney', type: 'smallmoney', value: '-214748.3648', driver: -214748.3648 },
  { name: 'date', type: 'date', value: '2024-02-29', freetds: 'Feb 29 2024 12:00AM', driver: new Date('2024-02-29') },
  {
    name: 'time',
    type: 'time(7)',
    value: '23:59:59.1234567',
    freetds: 'Jan  1 1900 11:59PM',
    driver: new Date('1970-01-01T23:59:59.123Z'),
  },
  {
    name: 'datetime2',
    type: 'datetime2(7)',
    value: '2024-02-29T12:34:56.1234567',
    freetds: 'Feb 29 2024 12:34PM',
    driver: new Date('2024-02-29T12:34:56.123Z'),
  },
  {
    name: 'datetime',
    type: 'datetime',
    value: '1753-01-01T12:34:56.997',
    freetds: 'Jan  1 1753 12:34PM',
    driver: new Date('1753-01-01T12:34:56.997Z'),
  },
  {
    name: 'smalldatetime',
    type: 'smalldatetime',
    value: '2079-06-06T23:59:00',
    freetds: 'Jun  6 2079 11:59PM',
    driver: new Date('2079-06-06T23:59:00Z'),
  },
  {
    name: 'offset',
    type: 'datetimeoffset(7)',
    value: '2024-02-29T12:34:56.1234567+05:30',
    freetds: 'Feb 29 2024 12:34PM',
    driver: new Date('2024-02-29T07:04:56.123Z'),
  },
  { name: 'uuid', type: 'uniqueidentifier', value: '6F9619FF-8B86-D011-B42D-00C04FC964FF' },
  { name: 'char', type: 'char(5)', value: 'ab   ' },
  { name: 'varchar', type: 'varchar(20)', value: 'caf\u00e9' },
  { name: 'nvarchar', type: 'nvarchar(20)', value: '\u00fcn\u00ef \u4e2d \u{1F600}' },
  { name: 'nmax', type: 'nvarchar(max)', value: 'x'.repeat(200) },
  { name: 'xml', type: 'xml', value: '<a/>' },
  { name: 'varbinary', type: 'varbinary(9)', value: Buffer.of(0, 1, 255), freetds: '0001ff' },
  { name: 'bmax', type: 'varbinary(max)', value: Buffer.of(1, 2), freetds: '0102' },
];

let server: TdsServer;
beforeAll(async () => {
  server = await startTdsServer({
    handler: ({ sql }) => {
      if (!/select/i.test(sql)) return undefined;
      const encoding: ResultEncoding = {
        nullBitmaps: sql.includes('bitmaps'),
        chunkBytes: 70,
        knownLength: !sql.includes('unknown'),
      };
      const isFixed = sql.includes('not null');
      const columns = COLUMNS.map(({ name, type }) => ({ name, type, nullable: !isFixed }));
      const row = COLUMNS.map(({ value }) => value);
      const halfNull = row.map((value, i) => (i % 2 === 0 ? value : null));
      return { columns, rows: isFixed ? [row] : [row, halfNull, row.map(() => null)], ...encoding };
    },
  });
});
afterAll(() => server.stop());

const QUERIES = ['select', 'select with bitmaps', 'select not null', 'select of unknown lengths'];

function expectedRows<T>(query: string, values: readonly T[], nothing: T): T[][] {
  if (query.includes('not null')) return [[...values]];
  return [[...values], values.map((value, i) => (i % 2 === 0 ? value : nothing)), values.map(() => nothing)];
}

const hasFreeTds = spawnSync('tsql', ['-C']).status === 0;
if (!hasFreeTds) saySkipped('FreeTDS as a client of the test server', 'tsql of freetds-bin');

describe.skipIf(!hasFreeTds)('FreeTDS reads', () => {
  const run = async (query: string): Promise<string[][]> => {
    const client = spawn(
      'tsql',
      ['-H', server.host, '-p', String(server.port), '-U', 'sa', '-P', PASSWORD, '-o', 'fhq'],
      {
        env: { ...process.env, TDSVER: '7.4', LC_ALL: 'C.UTF-8' },
      },
    );
    let output = '';
    client.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    client.stdin.end(`${query}\ngo\n`);
    await new Promise((resolve) => client.once('close', resolve));
    return output
      .split('\n')
      .filter((line) => line.includes('\t'))
      .map((line) => line.split('\t'));
  };

  test.each(QUERIES)('%s', async (query) => {
    const expected = COLUMNS.map(({ value, freetds }) => freetds ?? String(value));
    expect(await run(query)).toEqual(expectedRows(query, expected, 'NULL'));
  });
});

describe('the driver reads', () => {
  const run = async (query: string): Promise<unknown[][]> => {
    const connection = new Connection({
      server: server.host,
      authentication: { type: 'default', options: { userName: 'sa', password: PASSWORD } },
      options: { port: server.port, encrypt: false },
    });
    await new Promise<void>((resolve, reject) =>
      connection.connect((error) => {
        if (error) reject(error);
        else resolve();
      }),
    );
    const rows: unknown[][] = [];
    await new Promise<void>((resolve, reject) => {
      const request = new Request(query, (error) => {
        if (error) reject(error);
        else resolve();
      });
      request.on('row', (columns: readonly { readonly value: unknown }[]) => {
        rows.push(columns.map(({ value }) => value));
      });
      connection.execSqlBatch(request);
    });
    connection.close();
    return rows;
  };

  test.each(QUERIES)('%s', async (query) => {
    const expected = COLUMNS.map(({ value, driver }) => driver ?? value);
    const rows = await run(query);
    // The driver hangs the digits below a millisecond on to its dates.
    const plain = rows.map((row) => row.map((value) => (value instanceof Date ? new Date(value) : value)));
    expect(plain).toEqual(expectedRows<unknown>(query, expected, null));
  });
});
