import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';

import { postgresEntry, type RunningCli, startCli, writeAuthFile } from '../../harness/cli.js';
import { runCliHere } from '../../harness/cli-here.js';
import type { RunDocument } from '../../harness/export-run.js';
import { LOCALHOST_TLS } from '../../servers/certificates.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { mountTmpfs, ScratchDirectory } from '../../harness/scratch.js';

/** What the program, as a separate process that reads over TLS, leaves on disk when interrupted at a bad moment. */

let server: PostgresServer;
let scratch: ScratchDirectory;
let auth: string;
let out: string;

beforeAll(async () => {
  server = await startPostgres({ tls: LOCALHOST_TLS });
  await server.query(`
    CREATE SCHEMA plain; CREATE TABLE plain.a AS SELECT i FROM generate_series(1, 1000) i;
    CREATE TABLE plain.b AS SELECT i, md5(i::text) FROM generate_series(1, 1000) i;
    -- Takes minutes to read, so that a test can be sure to be in the middle of it.
    CREATE SCHEMA slow; CREATE TABLE slow.a AS SELECT 1 AS i;
    CREATE VIEW slow.crawling AS SELECT i, repeat(md5(i::text), 100) || pg_sleep(0.001)::text AS filler
      FROM generate_series(1, 200000) i;
    CREATE SCHEMA pair; CREATE VIEW pair.one AS SELECT i, filler FROM slow.crawling WHERE i <= 3000;
    CREATE VIEW pair.two AS SELECT i, filler FROM slow.crawling WHERE i <= 3000;
    CREATE SCHEMA bulky; CREATE TABLE bulky.small AS SELECT 1 AS i;
    CREATE TABLE bulky.large AS SELECT i, md5(i::text) AS filler FROM generate_series(1, 1000) i;
    CREATE SCHEMA many;
    DO $$ BEGIN FOR i IN 1..400 LOOP EXECUTE format('CREATE TABLE many.t%s AS SELECT 1 AS i', i); END LOOP; END $$;
    ANALYZE;`);
});
afterAll(() => server.stop());
beforeEach(async () => {
  scratch = new ScratchDirectory();
  auth = await writeAuthFile(scratch.path, { ds_pg: postgresEntry(server) });
  out = path.join(scratch.path, 'out');
  mkdirSync(out);
});
afterEach(() => scratch.remove());

interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

function words(schema: string, { args = [], directory = out }: RunOptions): string[] {
  const common = ['-a', auth, '--source_db_auth_id', 'ds_pg', '--output_dir', directory, '--json'];
  return [...common, '--source_schema_name', schema, ...args];
}

function start(schema: string, options: RunOptions = {}): RunningCli {
  const { env } = options;
  return startCli(words(schema, options), env === undefined ? {} : { env });
}

/** In this process, unless with variables for Node.js. */
async function run(schema: string, options: RunOptions = {}) {
  const { code, stdout, stderr } = await (options.env === undefined
    ? runCliHere(words(schema, options))
    : start(schema, options).result);
  return { code, stderr, document: (stdout === '' ? {} : JSON.parse(stdout)) as RunDocument };
}

/** Files below the output directory. */
async function files(): Promise<string[]> {
  const all = await scratch.files();
  return all.filter((file) => file.startsWith('out/') && file !== 'out/').map((file) => file.slice('out/'.length));
}

const table = (directory: string) => [
  `${path.dirname(directory)}/_${path.basename(directory)}.manifest.json`,
  ...['_SUCCESS', 'part-00000.parquet'].map((one) => `${directory}/${one}`),
];
/** Hidden files, and all in hidden directories. */
const hidden = (file: string) => file.split('/').some((segment) => segment.startsWith('.'));

function ends(document: RunDocument): Record<string, string> {
  return Object.fromEntries(document.tables.map((one) => [one.table, one.error?.code ?? one.state]));
}

/** Settles when the server is sending rows of the slow view and the run has a temporary file for them. */
async function midRead(cli: RunningCli): Promise<void> {
  await waitFor(cli, async () => (await files()).some((file) => /slow\/crawling\/\.lakeport-.*\.tmp$/.test(file)));
}

async function waitFor(cli: RunningCli, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    if (cli.child.exitCode !== null) throw new Error(`the run has ended: ${cli.stderr()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const MID_READ = ['--include_views', '--compression_type', 'None', '--row_group_rows', '100'];

function isRoot(context: TestContext): void {
  if (process.getuid?.() !== 0) context.skip('only root may mount a small file system');
}

describe('a disk that is full', () => {
  it('a full disk fails only the table that does not fit, and keeps its earlier export', async (context) => {
    isRoot(context);
    const disk = mountTmpfs('4m');
    if (disk === undefined) return context.skip('no small file system can be mounted here');
    try {
      const first = await run('bulky', { directory: disk.path });
      expect(first.code).toBe(0);
      const listing = () => execFileSync('find', [disk.path, '-type', 'f'], { encoding: 'utf8' }).split('\n').sort();
      const earlier = listing();
      const part = path.join(disk.path, 'bulky/large/part-00000.parquet');
      const content = readFileSync(part);

      await server.query(`INSERT INTO bulky.large SELECT i, md5(i::text) FROM generate_series(1, 200000) i`);
      const second = await run('bulky', { directory: disk.path });
      expect(second.code).toBe(3);
      expect(ends(second.document)).toEqual({ large: 'DISK_FULL', small: 'completed' });
      expect(second.document.tables.find((one) => one.table === 'large')?.error?.hint).toContain('--output-dir');
      expect(listing()).toEqual(earlier);
      expect(readFileSync(part).equals(content)).toBe(true);
    } finally {
      disk.unmount();
      await server.query(
        'DELETE FROM bulky.large WHERE ctid >= (SELECT ctid FROM bulky.large ORDER BY ctid OFFSET 1000 LIMIT 1)',
      );
    }
  });
});

describe('a directory that cannot be written', () => {
  it('a read-only directory ends the run before anything is read', async (context) => {
    if (process.getuid?.() === 0) {
      const disk = mountTmpfs('1m');
      if (disk === undefined) return context.skip('no small file system can be mounted here');
      try {
        execFileSync('mount', ['-o', 'remount,ro', disk.path]);
        const { code, document } = await run('plain', { directory: disk.path });
        expect(document.error).toMatchObject({ code: 'STORAGE_READ_ONLY' });
        expect(code).toBe(4);
      } finally {
        disk.unmount();
      }
    } else {
      chmodSync(out, 0o555);
      const { code, document } = await run('plain');
      expect(document.error).toMatchObject({ code: 'STORAGE_ACCESS_DENIED' });
      expect(code).toBe(4);
    }
  });

  it('a file in place of the directory is a usage error', async () => {
    const file = path.join(scratch.path, 'file');
    writeFileSync(file, 'precious');
    const { code, document } = await run('plain', { directory: file });
    expect(document.error).toMatchObject({ code: 'NOT_A_DIRECTORY' });
    expect(code).toBe(2);
    expect(readFileSync(file, 'utf8')).toBe('precious');
  });
});

describe.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s', (signal, exitCode) => {
  it('a signal while planning leaves nothing', async () => {
    const blocker = await server.connect();
    await blocker.query('BEGIN; LOCK TABLE plain.a');
    const cli = start('plain');
    await waitFor(cli, async () => {
      const waiting = await server.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
      return waiting.length > 0;
    });
    cli.kill(signal);
    expect((await cli.result).code).toBe(exitCode);
    await blocker.end();
    expect(await files()).toEqual([]);
  });

  it('a signal while reading discards what is staged, keeps what is published, and ends the queries on the server', async () => {
    const cli = start('slow', { args: MID_READ });
    await midRead(cli);
    await waitFor(cli, () => existsSync(path.join(out, 'slow/a/_SUCCESS')));
    const reads = () =>
      server.query(
        "SELECT ssl FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE query LIKE '%COPY (%' AND pid <> pg_backend_pid()",
      );
    expect(await reads()).toContainEqual({ ssl: true });
    cli.kill(signal);
    const { code, stdout } = await cli.result;
    expect(code).toBe(exitCode);
    expect(ends(JSON.parse(stdout) as RunDocument)).toEqual({ a: 'completed', crawling: 'cancelled' });
    expect(await files()).toEqual(table('slow/a'));
    await expect.poll(reads, { timeout: 10_000 }).toEqual([]);
  });

  it('a signal while publishing leaves each table complete or absent', async () => {
    const cli = start('many');
    await waitFor(cli, () => existsSync(path.join(out, 'many')) && existsSync(path.join(out, 'many/t100/_SUCCESS')));
    cli.kill(signal);
    const { code, stdout } = await cli.result;
    expect(code).toBe(exitCode);
    const { tables } = JSON.parse(stdout) as RunDocument;
    const completed = tables.filter((one) => one.state === 'completed').map((one) => one.table);
    expect(tables).toHaveLength(400);
    expect(completed.length).toBeLessThan(400);
    expect(await files()).toEqual(completed.flatMap((name) => table(`many/${name}`)).sort());
  });
});

describe('a second signal', () => {
  it('a second signal ends the run at once, and the next run cleans up', async () => {
    const cli = start('slow', { args: MID_READ });
    await midRead(cli);
    cli.child.kill('SIGSTOP');
    // Both are there when it goes on.
    cli.kill('SIGINT');
    cli.kill('SIGTERM');
    cli.child.kill('SIGCONT');
    const { code, signal } = await cli.result;
    expect(code === 130 || code === 143 || signal !== null).toBe(true);
    expect((await run('plain')).code).toBe(0);
    expect((await files()).filter(hidden)).toEqual([]);
  });
});

describe('SIGKILL', () => {
  it('SIGKILL leaves only hidden files, which the next run to the same destination removes', async () => {
    const cli = start('slow', { args: [...MID_READ, '--sub_path', 'monday'] });
    await waitFor(cli, async () =>
      (await files()).some((file) => /^monday\/slow\/crawling\/\.lakeport-.*\.tmp$/.test(file)),
    );
    await waitFor(cli, () => existsSync(path.join(out, 'monday/slow/a/_SUCCESS')));
    cli.kill('SIGKILL');
    await cli.result;
    const left = (await files()).filter((file) => !table('monday/slow/a').includes(file));
    // The part, the run's marker, and its claim of the directories.
    expect(left).toHaveLength(3);
    expect(left.every(hidden)).toBe(true);

    expect((await run('plain', { args: ['--sub_path', 'tuesday'] })).code).toBe(0);
    expect(await files()).toEqual(
      [...table('monday/slow/a'), ...table('tuesday/plain/a'), ...table('tuesday/plain/b')].sort(),
    );
  });

  it('SIGKILL while publishing leaves no incomplete table that looks complete', async () => {
    expect((await run('many', { args: ['-i', 't1%'] })).code).toBe(0);
    const cli = start('many');
    await waitFor(
      cli,
      () => existsSync(path.join(out, 'many/t350/_SUCCESS')) || existsSync(path.join(out, 'many/t250/_SUCCESS')),
    );
    cli.kill('SIGKILL');
    await cli.result;
    const left = new Set(await files());
    for (const success of [...left].filter((file) => file.endsWith('/_SUCCESS'))) {
      for (const file of table(path.posix.dirname(success))) expect(left).toContain(file);
    }
    expect((await run('many')).code).toBe(0);
    expect((await files()).filter(hidden)).toEqual([]);
    expect(await files()).toHaveLength(3 * 400);
  });

  it('SIGKILL does not block or fail a concurrent run to the same destination', async () => {
    const cli = start('slow', { args: MID_READ });
    await midRead(cli);
    expect((await run('plain')).code).toBe(0);
    const temporaries = (await files()).filter((file) => file.endsWith('.tmp'));
    expect(temporaries).toHaveLength(1);
    cli.kill('SIGKILL');
    await cli.result;
  });
});

describe('a thread that dies', () => {
  /** Loaded by every thread: the first one of readers ends itself, once, when all these directories have a file. */
  function preload(directories: readonly string[]): Record<string, string> {
    const file = path.join(scratch.path, 'preload.cjs');
    writeFileSync(
      file,
      `const { workerData } = require('node:worker_threads');
       const { existsSync, writeFileSync, readdirSync } = require('node:fs');
       const flag = ${JSON.stringify(path.join(scratch.path, 'died'))};
       const directories = ${JSON.stringify(directories.map((directory) => path.join(out, directory)))};
       if (workerData?.reader && !existsSync(flag)) setInterval(() => {
         if (existsSync(flag)) return;
         if (!directories.every((one) => existsSync(one) && readdirSync(one).length > 0)) return;
         writeFileSync(flag, '');
         process.exit(9);
       }, 20).unref();`,
    );
    return { NODE_OPTIONS: `--require ${file}` };
  }

  it('fails the table that it read, is replaced, and leaves nothing', async () => {
    const args = [...MID_READ, '-p', '1', '--n_jobs', '1'];
    const { code, document } = await run('slow', { args, env: preload(['slow/crawling']) });
    expect(ends(document)).toEqual({ a: 'completed', crawling: 'READER_DIED' });
    expect(code).toBe(3);
    expect(await files()).toEqual(table('slow/a'));
  });

  it('fails none of two that it read, which are read again', async () => {
    const args = [...MID_READ, '-p', '2', '--n_jobs', '2'];
    const { code, document, stderr } = await run('pair', { args, env: preload(['pair/one', 'pair/two']) });
    for (const name of ['one', 'two'])
      expect(stderr).toContain(`pair.${name}, slice 0: A reader's thread ended unexpectedly; the slice is read again`);
    expect(ends(document)).toEqual({ one: 'completed', two: 'completed' });
    expect(code).toBe(0);
    expect(await files()).toEqual([...table('pair/one'), ...table('pair/two')].toSorted());
    expect(document.tables.map(({ rows }) => rows)).toEqual([3000, 3000]);
  });
});

describe('two runs with one id', () => {
  it('the id of a running export is rejected', async () => {
    const runId = '0b2f9c1e-5d2c-4b6e-9a3e-0123456789ab';
    const cli = start('slow', { args: [...MID_READ, '--run_id', runId] });
    await midRead(cli);
    const second = await run('plain', { args: ['--run_id', runId] });
    expect(second.document.error).toMatchObject({ code: 'RUN_ID_EXISTS' });
    expect(second.code).toBe(2);
    // Where the run log is another one, the target tells.
    const elsewhere = { XDG_STATE_HOME: path.join(scratch.path, 'another') };
    const third = await run('plain', { args: ['--run_id', runId], env: elsewhere });
    expect(third.document.error).toMatchObject({ code: 'RUN_IS_ACTIVE' });
    expect(third.code).toBe(6);
    cli.kill('SIGINT');
    expect((await cli.result).code).toBe(130);
  });
});
