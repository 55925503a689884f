import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import type { RowSink } from '../../../src/columns/row-sink.js';
import type { MssqlSettings } from '../../../src/sources/mssql/connection/settings.js';
import type { ReadRequest, SliceReader, Snapshot } from '../../../src/sources/source.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { openReader, readColumns, readRequest, readToParquet } from '../../servers/tds/read-table.js';
import type { WireColumn, WireValue } from '../../servers/tds/result-set.js';
import { startTdsServer, type TdsServer } from '../../servers/tds/server.js';
import type { TdsHandler } from '../../servers/tds/session.js';
import { TdsError } from '../../servers/tds/tokens.js';

const COLUMNS: readonly WireColumn[] = [
  { name: 'id', type: 'int', nullable: false },
  { name: 'body', type: 'nvarchar(200)' },
];
const REQUEST = readRequest(readColumns(COLUMNS));
const NEVER = new AbortController().signal;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function* numbered(count: number): Generator<WireValue[]> {
  for (let i = 0; i < count; i++) yield [i, `row ${i}`];
}

async function serve(handler: TdsHandler): Promise<TdsServer> {
  const server = await startTdsServer({ handler });
  cleanups.push(() => server.stop());
  return server;
}

async function open(
  server: TdsServer,
  options: { readonly settings?: Partial<MssqlSettings>; readonly snapshot?: Snapshot } = {},
): Promise<SliceReader> {
  const reader = await openReader(server, options);
  cleanups.push(() => reader.close());
  return reader;
}

/** Forgets all rows; `onCommit`, told of all so far, may hold the reader up. */
class CountingSink implements RowSink {
  readonly columns = createColumnBuffers(
    REQUEST.columns.map(({ spec }) => spec),
    { rowGroupRows: 1000 },
  );
  rows = 0;
  commits: number[] = [];
  bytes = 0;
  readonly room: number;
  readonly #onCommit: (rows: number) => Promise<void> | undefined;

  constructor(
    options: { readonly room?: number; readonly onCommit?: (rows: number) => Promise<void> | undefined } = {},
  ) {
    this.room = options.room ?? 100_000;
    this.#onCommit = options.onCommit ?? (() => undefined);
  }

  commit(rows: number): Promise<void> | undefined {
    this.rows += rows;
    this.commits.push(rows);
    for (const column of this.columns) {
      expect(column.levels.rows).toBe(rows);
      column.clearPage();
    }
    return this.#onCommit(this.rows);
  }

  received(bytes: number): void {
    this.bytes += bytes;
  }
}

const whole: TdsHandler = ({ sql }) =>
  sql.includes('[dbo].[t]') ? { columns: COLUMNS, rows: numbered(10_000) } : undefined;

describe('a read', () => {
  test('gives the rows that the server counted, and the bytes that came', async () => {
    const reader = await open(await serve(whole));
    const sink = new CountingSink();
    const result = await reader.read(REQUEST, sink, NEVER);
    expect(result).toMatchObject({ rows: 10_000, unrepresentable: {} });
    expect(sink.rows).toBe(10_000);
    expect(result.bytes).toBeGreaterThan(10_000 * 20);
    expect(sink.bytes).toBeGreaterThan(result.bytes - 100); // all but perhaps the end of the response
    expect(Math.max(...sink.commits)).toBeGreaterThan(500);
  });

  test('never passes the room of the sink', async () => {
    const reader = await open(await serve(whole));
    const sink = new CountingSink({ room: 7, onCommit: (rows) => (rows % 3 === 0 ? Promise.resolve() : undefined) });
    await reader.read(REQUEST, sink, NEVER);
    expect(Math.max(...sink.commits)).toBe(7);
    expect(sink.rows).toBe(10_000);
  });

  test('of no rows has a result still', async () => {
    const reader = await open(
      await serve(({ sql }) => (sql.includes('dbo') ? { columns: COLUMNS, rows: [] } : undefined)),
    );
    await expect(reader.read(REQUEST, new CountingSink(), NEVER)).resolves.toMatchObject({ rows: 0 });
  });

  test('can follow upon another on the same connection', async () => {
    const server = await serve(whole);
    const reader = await open(server);
    for (let i = 0; i < 3; i++) await reader.read(REQUEST, new CountingSink(), NEVER);
    expect(server.connections).toBe(1);
  });

  test('counts for itself where the server was told not to', async () => {
    const server = await serve(({ sql }) =>
      sql.includes('dbo') ? { columns: COLUMNS, rows: numbered(5), noCount: true } : undefined,
    );
    await expect((await open(server)).read(REQUEST, new CountingSink(), NEVER)).resolves.toMatchObject({ rows: 5 });
  });

  test('asks for row versions where the snapshot promises them', async () => {
    const isolations: string[] = [];
    const server = await serve((query) => {
      if (query.sql.includes('dbo')) isolations.push(query.session.isolation);
      return whole(query);
    });
    const snapshot: Snapshot = { consistency: 'table', token: 'row versions', id: undefined, takenAt: '' };
    await (await open(server, { snapshot })).read(REQUEST, new CountingSink(), NEVER);
    await (await open(server)).read(REQUEST, new CountingSink(), NEVER);
    expect(isolations).toEqual(['SNAPSHOT', 'READ COMMITTED']);
  });

  test('of a memory-optimized table does without those of the session', async () => {
    const server = await serve((query) => {
      if (query.sql.includes('dbo') && query.session.isolation === 'SNAPSHOT') {
        throw new TdsError(41332, 'Memory optimized tables cannot be accessed when the session …');
      }
      return whole(query);
    });
    const snapshot: Snapshot = { consistency: 'table', token: 'row versions', id: undefined, takenAt: '' };
    const reader = await open(server, { snapshot });
    await expect(reader.read(REQUEST, new CountingSink(), NEVER)).resolves.toMatchObject({ rows: 10_000 });
  });
});

describe('a sink that is not ready', () => {
  test('holds the server up instead of filling memory', async () => {
    let made = 0;
    const server = await serve(({ sql }) => {
      if (!sql.includes('dbo')) return undefined;
      const rows = (function* () {
        for (const row of numbered(2_000_000)) {
          made++;
          yield row;
        }
      })();
      return { columns: COLUMNS, rows };
    });
    const reader = await open(server);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const sink = new CountingSink({ onCommit: (rows) => (rows < 2_000_000 ? held : undefined) });
    const controller = new AbortController();
    const read = reader.read(REQUEST, sink, controller.signal);
    read.catch(() => undefined);
    await sleep(500);
    const before = made;
    await sleep(300);
    expect(made).toBe(before);
    expect(made).toBeLessThan(500_000);
    release();
    await read;
    expect(sink.rows).toBe(2_000_000);
  });

  test('that fails ends the read with its error', async () => {
    const reader = await open(await serve(whole));
    const sink = new CountingSink({ onCommit: () => Promise.reject(new Error('disk full')) });
    await expect(reader.read(REQUEST, sink, NEVER)).rejects.toThrow('disk full');
  });
});

describe('a read that is given up', () => {
  test('ends on the server, and gives the reason', async () => {
    let ended = false;
    const server = await serve(({ sql }) => {
      if (!sql.includes('dbo')) return undefined;
      const rows = (function* () {
        try {
          yield* numbered(1_000_000_000);
        } finally {
          ended = true;
        }
      })();
      return { columns: COLUMNS, rows };
    });
    const reader = await open(server);
    const controller = new AbortController();
    const sink = new CountingSink({
      onCommit: (rows) => {
        if (rows > 5000) controller.abort(new Error('enough'));
        return undefined;
      },
    });
    await expect(reader.read(REQUEST, sink, controller.signal)).rejects.toThrow('enough');
    const rows = sink.rows;
    await reader.close();
    expect(ended).toBe(true);
    expect(sink.rows).toBe(rows);
  });

  test('gives no more rows to a sink that it waits for', async () => {
    const reader = await open(await serve(whole));
    const controller = new AbortController();
    const sink = new CountingSink({ onCommit: () => new Promise(() => undefined) });
    const read = reader.read(REQUEST, sink, controller.signal);
    await expect.poll(() => sink.commits, { timeout: 20_000 }).toHaveLength(1);
    await sleep(100);
    controller.abort(new Error('enough'));
    await expect(read).rejects.toThrow('enough');
    await reader.close();
    expect(sink.commits).toHaveLength(1);
  });

  test('before it begins asks for nothing', async () => {
    const server = await serve(whole);
    const reader = await open(server);
    const before = server.statements.length;
    await expect(reader.read(REQUEST, new CountingSink(), AbortSignal.abort(new Error('late')))).rejects.toThrow(
      'late',
    );
    expect(server.statements).toHaveLength(before);
  });

  test('by the statement timeout of the entry says so', async () => {
    const server = await serve(({ sql }) =>
      sql.includes('dbo') ? { columns: COLUMNS, rows: numbered(1_000_000_000) } : undefined,
    );
    const reader = await open(server, { settings: { statementTimeoutMs: 300 } });
    await expect(reader.read(REQUEST, new CountingSink(), NEVER)).rejects.toMatchObject({
      code: 'SOURCE_STATEMENT_CANCELED',
      context: { table: 'dbo.t', slice: 0 },
    });
  });
});

describe('a failure', () => {
  test('of the server in the midst of the rows is its error, with the table and slice', async () => {
    const server = await serve(({ sql }) => {
      if (!sql.includes('dbo')) return undefined;
      const rows = (function* () {
        yield* numbered(3000);
        throw new TdsError(1205, 'Transaction was deadlocked and has been chosen as the victim.');
      })();
      return { columns: COLUMNS, rows };
    });
    const request: ReadRequest = { ...REQUEST, slice: { ...REQUEST.slice, index: 4 } };
    await expect((await open(server)).read(request, new CountingSink(), NEVER)).rejects.toMatchObject({
      code: 'SOURCE_DEADLOCK',
      transient: true,
      context: { table: 'dbo.t', slice: 4, detail: 'error 1205' },
    });
  });

  test.each([0, 3, 30, 31, 5000, 70_001])(
    'of the connection after %i bytes is a lost connection',
    async (cutAfterBytes) => {
      const server = await serve(({ sql }) =>
        sql.includes('dbo') ? { columns: COLUMNS, rows: numbered(100_000), cutAfterBytes } : undefined,
      );
      await expect((await open(server)).read(REQUEST, new CountingSink(), NEVER)).rejects.toMatchObject({
        code: 'SOURCE_CONNECTION_LOST',
        exit: 'unreachable',
        transient: true,
      });
    },
  );

  test('leaves the reader able to read again', async () => {
    let attempts = 0;
    const server = await serve((query) => {
      const answer = whole(query);
      const fails = query.sql.includes('dbo') && attempts++ === 0;
      return fails ? { columns: COLUMNS, rows: numbered(10), cutAfterBytes: 100 } : answer;
    });
    const reader = await open(server);
    await expect(reader.read(REQUEST, new CountingSink(), NEVER)).rejects.toThrow();
    await expect(reader.read(REQUEST, new CountingSink(), NEVER)).resolves.toMatchObject({ rows: 10_000 });
  });

  test('a column of another type than was planned is a changed table', async () => {
    const changed = [COLUMNS[0]!, { name: 'body', type: 'bigint' }];
    const server = await serve(({ sql }) => (sql.includes('dbo') ? { columns: changed, rows: [[1, 2]] } : undefined));
    await expect((await open(server)).read(REQUEST, new CountingSink(), NEVER)).rejects.toMatchObject({
      code: 'TABLE_CHANGED',
      message: expect.stringContaining('body') as string,
    });
  });

  test('NULL in a column that is declared NOT NULL is not written', async () => {
    const server = await serve(({ sql }) =>
      sql.includes('dbo')
        ? { columns: COLUMNS.map((column) => ({ ...column, nullable: true })), rows: [[null, 'x']] }
        : undefined,
    );
    await expect((await open(server)).read(REQUEST, new CountingSink(), NEVER)).rejects.toThrow('NOT NULL');
  });
});

test('values of 100 MB go through memory in pieces', async () => {
  const megabytes = 100;
  const column = { name: 'doc', type: 'varchar(max)' };
  const server = await serve(({ sql }) =>
    sql.includes('dbo')
      ? {
          columns: [COLUMNS[0]!, column],
          rows: [
            [1, 'before'],
            [2, Buffer.alloc(megabytes << 20, 'lakeport ')],
            [3, 'behind'],
          ],
        }
      : undefined,
  );
  const request = readRequest(readColumns([COLUMNS[0]!, column]));
  await using read = await readToParquet(await open(server), request);
  const rows = await queryDuckDb(`SELECT id, strlen(doc) AS bytes, doc[1:9] AS text FROM ${quote(read.file)}`);
  expect(rows).toEqual([
    { id: 1, bytes: '6', text: 'before' },
    { id: 2, bytes: String(megabytes << 20), text: 'lakeport ' },
    { id: 3, bytes: '6', text: 'behind' },
  ]);
});
