import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tableFromIPC } from 'apache-arrow';
import { readParquet } from 'parquet-wasm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../harness/cli.js';
import { runExport } from '../../harness/export-run.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/* Time, memory and numbers. Limits have room for a busy machine of two cores; figures are what the benchmarks are for. */

const MIB = 1024 ** 2;

describe('the command line', () => {
  const fastest = async (args: readonly string[]) => {
    const runs = [await runCli(args), await runCli(args), await runCli(args)];
    return Math.min(...runs.map(({ seconds }) => seconds));
  };

  it('shows its help in under 0.3 seconds', async () => {
    expect(await fastest(['--help'])).toBeLessThan(0.3);
  });

  it('rejects a wrong flag in under 0.3 seconds', async () => {
    expect(await fastest(['--n_jbos', '2'])).toBeLessThan(0.3);
  });
});

describe('tables in numbers and sizes', () => {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres({ settings: { max_locks_per_transaction: 64 } });
  });
  afterAll(() => server.stop());

  it('exports 2,000 tables of 10 rows', async () => {
    await server.query(`CREATE SCHEMA many; DO $$ BEGIN FOR i IN 1..2000 LOOP
      EXECUTE format('CREATE TABLE many.t%s AS SELECT n AS id, n::text AS t, n * 1.5 AS v, now() AS at FROM generate_series(1, 10) n', i);
    END LOOP; END $$`);
    const run = await runExport(server, { args: ['--source_schema_name', 'many'] });
    try {
      expect(run.cli.code).toBe(0);
      expect(run.result.totals).toMatchObject({ tables: 2000, completed: 2000, rows: 20_000, files: 2000 });
      const [found] = await queryDuckDb(
        `SELECT count(*)::INT AS n, count(DISTINCT filename)::INT AS files
         FROM read_parquet(${quote(`${run.directory}/many/*/*.parquet`)}, filename = true)`,
      );
      expect(found).toEqual({ n: 20_000, files: 2000 });
    } finally {
      await run.remove();
      await server.query(
        'DO $$ BEGIN FOR i IN 1..2000 LOOP EXECUTE format($f$DROP TABLE many.t%s$f$, i); COMMIT; END LOOP; END $$',
      );
    }
  });

  it('exports texts and bytes of 100 MB', async () => {
    const size = 100 * 1000 * 1000;
    // Incompressible enough not to vanish, quick enough to make.
    await server.query(`CREATE TABLE giants AS SELECT n AS id,
        repeat(md5(n::text) || 'ż😀', ${Math.ceil(size / 38)}) AS t,
        decode(repeat(md5((n + 1)::text), ${size / 16}), 'hex') AS b FROM generate_series(1, 2) n`);
    await server.query("INSERT INTO giants VALUES (3, 'small', '\\x00'), (4, '', NULL)");
    const run = await runExport(server, { args: ['-i', 'giants'] });
    try {
      expect(run.cli.stderr).not.toMatch(/error/i);
      expect(run.cli.code).toBe(0);
      const expected = await server.query(
        'SELECT id, md5(t) AS t, octet_length(t) AS tn, md5(b) AS b, octet_length(b) AS bn FROM giants ORDER BY id',
      );
      const [file] = await run.files('giants');
      const inDuckDb = await queryDuckDb(
        `SELECT id, md5(t) AS t, strlen(t)::INT AS tn, md5(b) AS b, octet_length(b)::INT AS bn
         FROM read_parquet(${quote(file!)}) ORDER BY id`,
      );
      expect(inDuckDb).toEqual(expected);
      const table = tableFromIPC(readParquet(await readFile(file!)).intoIPCStream());
      const md5 = (bytes: Uint8Array | string | null) =>
        bytes === null ? null : createHash('md5').update(bytes).digest('hex');
      const column = (name: string) => table.getChild(name)!;
      expect(
        expected.map((_, row) => [md5(column('t').get(row) as string), md5(column('b').get(row) as Uint8Array | null)]),
      ).toEqual(expected.map(({ t, b }) => [t, b]));
    } finally {
      await run.remove();
      await server.query('DROP TABLE giants');
    }
  });

  it('memory does not grow with the number of rows', async () => {
    await server.query(`CREATE TABLE long AS SELECT n AS id, md5(n::text) AS t, md5((n + 1)::text) AS u, n * 1.25::numeric(12,2) AS v,
      n % 7 AS few, now() + n * INTERVAL '1 second' AS at FROM generate_series(1, 3000000) n; ANALYZE long`);
    const run = await runExport(server, { args: ['-i', 'long', '-p', '2'] });
    try {
      expect(run.table('long').rows).toBe(3_000_000);
      if (run.cli.peakBytes > 0) expect(run.cli.peakBytes).toBeLessThan(400 * MIB);
    } finally {
      await run.remove();
    }
  });
});
