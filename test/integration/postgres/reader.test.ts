import { createHash } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { wholeTable } from '../../../src/model/dataset.js';
import type { BytesColumn } from '../../../src/columns/bytes-column.js';
import { createColumnBuffers } from '../../../src/columns/column-buffers.js';
import type { Int32Column } from '../../../src/columns/int32-column.js';
import type { RowSink } from '../../../src/columns/row-sink.js';
import type { PostgresSettings } from '../../../src/sources/postgres/connection/settings.js';
import { openPostgresReader } from '../../../src/sources/postgres/reader.js';
import type { ReadColumn, ReadRequest, SliceReader, Snapshot } from '../../../src/sources/source.js';
import type { KernelBuild } from '../../../src/kernels/kernels.js';
import { kernelsOf, sharedKernels } from '../../harness/kernels.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

const COLUMNS: readonly ReadColumn[] = [
  {
    spec: {
      name: 'id',
      fieldId: 1,
      nullable: false,
      list: false,
      type: { physical: 'INT32' },
      sourceType: 'integer',
      fidelity: 'exact',
    },
    expression: 'id',
    decoder: { kind: 'int4' },
  },
  {
    spec: {
      name: 'body',
      fieldId: 2,
      nullable: true,
      list: false,
      type: { physical: 'BYTE_ARRAY' },
      sourceType: 'bytea',
      fidelity: 'exact',
    },
    expression: 'body',
    decoder: { kind: 'bytea' },
  },
];
const NO_SNAPSHOT: Snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt: '' };

/** How bytes come, and what decodes them. */
interface Way {
  readonly name: string;
  readonly ssl: 'disable' | 'require';
  readonly tlsNegotiation?: 'direct';
  readonly build?: KernelBuild;
}

const WAYS: readonly Way[] = [
  { name: 'TypeScript decoders', ssl: 'disable' },
  { name: 'kernels', ssl: 'disable', build: 'simd' },
  { name: 'kernels without SIMD', ssl: 'disable', build: 'scalar' },
  { name: 'TypeScript decoders over TLS', ssl: 'require' },
  { name: 'kernels over TLS', ssl: 'require', build: 'simd' },
  { name: 'kernels over TLS from the first byte', ssl: 'require', tlsNegotiation: 'direct', build: 'simd' },
];

let way: Way;

let server: PostgresServer;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startPostgres({ tls: LOCALHOST_TLS });
  // Rows from nothing to some megabytes, in an order that the buffer has to grow and shrink for.
  await server.query(`
    CREATE TABLE blob (id int NOT NULL, body bytea);
    ALTER TABLE blob ALTER body SET STORAGE EXTERNAL;
    INSERT INTO blob SELECT i, CASE WHEN i % 7 = 0 THEN NULL
        ELSE decode(repeat(md5(i::text), CASE WHEN i % 500 = 1 THEN 70000 WHEN i % 50 = 1 THEN 3000 ELSE i % 9 END), 'hex') END
      FROM generate_series(1, 2000) AS i`);
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function request(query = 'SELECT id, body FROM blob'): ReadRequest {
  const slice = { index: 0, method: 'None', bounds: '', query, estimatedRows: undefined } as const;
  return {
    dataset: wholeTable({ schema: 'public', name: 'blob' }),
    columns: COLUMNS,
    slice,
    onUnrepresentable: 'error',
  };
}

async function open(port = server.port, lockTimeoutMs = 1000): Promise<SliceReader> {
  const connection: PostgresSettings = {
    entryId: 'test',
    server: '127.0.0.1',
    port,
    database: server.database,
    username: server.user,
    password: server.password,
    ssl: way.ssl,
    tlsNegotiation: way.tlsNegotiation,
    certificates: {},
    options: {},
    connectTimeoutMs: 10_000,
    statementTimeoutMs: undefined,
    lockTimeoutMs,
  };
  const reader = await openPostgresReader(
    { engine: 'postgres', connection },
    NO_SNAPSHOT,
    way.build && sharedKernels(way.build).fixed,
  );
  cleanups.push(() => reader.close());
  return reader;
}

/** Collects `id:sha256(body)` of each row; takes rows in bits and pieces and makes the reader wait now and then. */
class CollectingSink implements RowSink {
  readonly columns = createColumnBuffers(
    COLUMNS.map((column) => column.spec),
    { rowGroupRows: 500, memory: way.build && kernelsOf(way.build).columns },
  );
  readonly rows: string[] = [];
  room = 3;
  #commits = 0;

  constructor(readonly options: { readonly wait: () => Promise<void> | undefined }) {}

  commit(rows: number): Promise<void> | undefined {
    expect(rows).toBeGreaterThan(0);
    expect(rows).toBeLessThanOrEqual(this.room);
    const [ids, bodies] = this.columns as unknown as [Int32Column, BytesColumn];
    ids.abandonDictionary();
    bodies.abandonDictionary();
    const { definition } = bodies.levels;
    const plain = Buffer.from(bodies.plain());
    let at = 0;
    for (let row = 0; row < rows; row++) {
      let hash = 'null';
      if (definition === undefined || definition[row] === 1) {
        const length = plain.readInt32LE(at);
        hash = createHash('sha256')
          .update(plain.subarray(at + 4, at + 4 + length))
          .digest('hex');
        at += 4 + length;
      }
      this.rows.push(`${ids.values[row]}:${hash}`);
    }
    expect(at).toBe(plain.length);
    for (const column of this.columns) column.clearPage();
    this.#commits++;
    this.room = 1 + ((this.#commits * 37) % 300);
    if (this.#commits % 5 === 0) for (const column of this.columns) column.startRowGroup();
    return this.options.wait();
  }
}

/** Once the session is over: what the server has logged of it. */
async function lastWordsOf(pid: number): Promise<string> {
  const living = () => server.query(`SELECT FROM pg_stat_activity WHERE pid = ${pid}`);
  await expect.poll(living, { timeout: 60_000 }).toHaveLength(0);
  // What comes through the same pipe later has been logged later.
  const mark = `end_of_${pid}`;
  await expect(server.query(`SELECT ${mark}`)).rejects.toThrow(mark);
  await expect.poll(() => server.log(), { timeout: 60_000 }).toContain(`SELECT ${mark}`);
  const lines = server.log().split('\n');
  return lines.filter((line) => line.includes(`[${pid}]`)).join('\n');
}

async function expected(): Promise<string[]> {
  const rows = await server.query(
    `SELECT id || ':' || coalesce(encode(sha256(body), 'hex'), 'null') AS row FROM blob ORDER BY id`,
  );
  return rows.map((row) => row['row'] as string);
}

function byId(rows: readonly string[]): string[] {
  return [...rows].sort((a, b) => Number.parseInt(a) - Number.parseInt(b));
}

/**
 * Passes bytes on in pieces of odd sizes, so that messages are cut at every place.
 * @param options.cutAfter bytes from the server after which it cuts the connection
 * @param options.spoilAfter bytes from the server after which one is changed
 */
async function startCuttingProxy(
  pieces: () => number,
  { cutAfter = Infinity, spoilAfter = Infinity }: { readonly cutAfter?: number; readonly spoilAfter?: number } = {},
): Promise<{ readonly port: number }> {
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    const upstream = connect(server.port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.setNoDelay(true);
    client.on('data', (data) => upstream.write(data));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    let passed = 0;
    void (async () => {
      for await (const data of upstream as AsyncIterable<Buffer>) {
        if (passed > spoilAfter) {
          data[data.length >> 1]! ^= 0xff;
          spoilAfter = Infinity;
        }
        for (let at = 0; at < data.length;) {
          const size = pieces();
          if (!client.write(data.subarray(at, at + size)))
            await new Promise((resolve) => client.once('drain', resolve));
          at += size;
          passed += size;
          if (passed > cutAfter) {
            client.destroy();
            return;
          }
          if (size < 1000) await new Promise((resolve) => setImmediate(resolve));
        }
      }
    })().catch(() => undefined);
  });
  proxy.listen(0, '127.0.0.1');
  await new Promise((resolve) => proxy.once('listening', resolve));
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return { port: (proxy.address() as AddressInfo).port };
}

describe.each(WAYS)('the reader, by $name', (current) => {
  beforeAll(() => {
    way = current;
  });

  it('reads every row, of any size, with a sink that makes it wait', async () => {
    const sink = new CollectingSink({ wait: () => (Math.random() < 0.3 ? sleep(1) : undefined) });
    const result = await (await open()).read(request(), sink, new AbortController().signal);
    expect(result.rows).toBe(2000);
    expect(byId(sink.rows)).toEqual(await expected());
  });

  it('reads the same from a network that cuts messages anywhere', async () => {
    let count = 0;
    const { port } = await startCuttingProxy(() => [1, 2, 3, 5, 4096, 17, 70_000, 65_536, 999][count++ % 9]!);
    const sink = new CollectingSink({ wait: () => (Math.random() < 0.3 ? sleep(1) : undefined) });
    const result = await (await open(port)).read(request(), sink, new AbortController().signal);
    expect(result.rows).toBe(2000);
    expect(byId(sink.rows)).toEqual(await expected());
  });

  it('reads slice after slice on one connection, empty ones too', async () => {
    const reader = await open();
    for (const [query, count] of [
      ['SELECT id, body FROM blob WHERE id <= 10', 10],
      ['SELECT id, body FROM blob WHERE false', 0],
      ['SELECT id, body FROM blob WHERE id > 1990', 10],
    ] as const) {
      const sink = new CollectingSink({ wait: () => undefined });
      expect((await reader.read(request(query), sink, new AbortController().signal)).rows).toBe(count);
      expect(sink.rows.length).toBe(count);
    }
  });

  it('says what the server refused, and reads on with the next slice', async () => {
    const reader = await open();
    const sink = new CollectingSink({ wait: () => undefined });
    const signal = new AbortController().signal;
    await expect(reader.read(request('SELECT id, body FROM nowhere'), sink, signal)).rejects.toMatchObject({
      code: 'TABLE_NOT_FOUND',
      context: { table: expect.stringContaining('blob') as string, slice: 0 },
    });
    await expect(
      reader.read(request('SELECT id, (1 / (id - 1000))::text::bytea FROM blob'), sink, signal),
    ).rejects.toMatchObject({
      code: 'SOURCE_VALUE_ERROR',
    });
    const after = new CollectingSink({ wait: () => undefined });
    expect((await reader.read(request(), after, signal)).rows).toBe(2000);
  });

  it('fails with a transient error when the connection is cut in mid-row', async () => {
    // The rows take some 6 MB; each of the long ones more than 1 MB.
    const { port } = await startCuttingProxy(() => 65_536, { cutAfter: 2_000_000 });
    const sink = new CollectingSink({ wait: () => undefined });
    await expect((await open(port)).read(request(), sink, new AbortController().signal)).rejects.toMatchObject({
      code: 'SOURCE_CONNECTION_LOST',
      transient: true,
    });
    expect(sink.rows.length).toBeLessThan(2000);
  });

  it('fails with an error when a byte is changed on the way, as TLS notices', async () => {
    if (way.ssl === 'disable') return;
    const { port } = await startCuttingProxy(() => 65_536, { spoilAfter: 2_000_000 });
    const sink = new CollectingSink({ wait: () => undefined });
    await expect((await open(port)).read(request(), sink, new AbortController().signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^SOURCE_/) as string,
    });
    expect(sink.rows.length).toBeLessThan(2000);
  });

  it('stops at once when it is aborted, and passes on what the sink throws', async () => {
    const reader = await open();
    const controller = new AbortController();
    const stopping = new CollectingSink({
      wait: () => {
        controller.abort(new Error('enough'));
        return undefined;
      },
    });
    await expect(reader.read(request(), stopping, controller.signal)).rejects.toThrow('enough');

    const failing = new CollectingSink({ wait: () => Promise.reject(new Error('disk full')) });
    await expect(reader.read(request(), failing, new AbortController().signal)).rejects.toThrow('disk full');
  });

  it('asks the server to end a read that was given up, so that no session is left behind', async () => {
    const reader = await open();
    const controller = new AbortController();
    const sink = new CollectingSink({ wait: () => undefined });
    setTimeout(() => controller.abort(new Error('enough')), 200);
    const query = 'SELECT i AS id, NULL::bytea AS body FROM generate_series(1, 3) AS i, pg_sleep(30)';
    await expect(reader.read(request(query), sink, controller.signal)).rejects.toThrow('enough');
    for (let attempt = 0; attempt < 100; attempt++) {
      const [row] = await server.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND pid <> pg_backend_pid()`,
      );
      if (row!['n'] === 0) return;
      await sleep(100);
    }
    throw new Error('the session is still there after 10 s');
  });

  it('says goodbye after a read that was given up, however much still comes and whatever the sink waits for', async () => {
    // A connection that does not close in time is dropped, which can happen to one of them on a busy machine.
    const lost: string[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      const controller = new AbortController();
      const sink = new CollectingSink({
        wait: () => {
          controller.abort(new Error('enough'));
          return new Promise(() => undefined);
        },
      });
      const reader = await open();
      const query = 'SELECT pg_backend_pid() + 0 * generate_series(1, 100000000) AS id, NULL::bytea AS body';
      await expect(reader.read(request(query), sink, controller.signal)).rejects.toThrow('enough');
      await reader.close();
      const said = await lastWordsOf(Number.parseInt(sink.rows[0]!, 10));
      expect(said).toContain('canceling statement due to user request');
      // What the server says of one that goes in mid-query.
      if (!said.includes('connection to client lost')) return;
      lost.push(said);
    }
    expect(lost).toEqual([]);
  });

  it('stops waiting for a lock when it is aborted, in the server too', async () => {
    const owner = await server.connect();
    cleanups.push(() => owner.end());
    await owner.query('BEGIN; LOCK TABLE blob');
    const reader = await open(server.port, 600_000);
    const controller = new AbortController();
    const waiting = () => server.query(`SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
    const read = reader.read(request(), new CollectingSink({ wait: () => undefined }), controller.signal);
    const ended = expect(read).rejects.toThrow('enough');
    await expect.poll(waiting, { timeout: 60_000 }).toHaveLength(1);
    const [session] = await waiting();
    controller.abort(new Error('enough'));
    await ended;
    // It was canceled, rather than found out by the server after a while.
    expect(await lastWordsOf(Number(session!['pid']))).toContain('canceling statement due to user request');
  });
});
