import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { postgresEntry, runCli, startCli, writeAuthFile, type RunningCli } from '../../harness/cli.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';

/** What a person and a script see of real exports. */

/** A password that no text may hold, and one that is an ordinary word. */
const MARKER = "MARKER/pass word'1";
const WORD = 'orders';

let server: PostgresServer;
let scratch: ScratchDirectory;
let auth: string;

beforeAll(async () => {
  server = await startPostgres();
  const quoted = MARKER.replaceAll("'", "''");
  await server.query(`
    CREATE TABLE orders (id bigint PRIMARY KEY, price numeric(12,2), note text);
    INSERT INTO orders SELECT i, i * 1.25, 'note ' || i FROM generate_series(1, 5000) i;
    CREATE TABLE customers (id int, orders int);
    CREATE TABLE secret (id int);
    CREATE TABLE bad_prices (price numeric(5,2));
    INSERT INTO bad_prices VALUES (1.5), ('NaN');
    CREATE FUNCTION leak() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the password is ${quoted}'; END $$;
    CREATE VIEW leaking AS SELECT leak() AS id;
    CREATE VIEW endless AS SELECT i AS id, md5(i::text) AS note FROM generate_series(1, 300000000) i;
    CREATE ROLE marked LOGIN PASSWORD '${quoted}';
    CREATE ROLE worded LOGIN PASSWORD '${WORD}';
    GRANT SELECT ON orders, customers, bad_prices, leaking, endless TO marked, worded;
    ANALYZE;`);
});

afterAll(() => server.stop());

beforeEach(async () => {
  scratch = new ScratchDirectory();
  auth = await writeAuthFile(scratch.path, {
    marked: postgresEntry(server, { username: 'marked', password: MARKER }),
  });
});

afterEach(() => scratch.remove());

const exporting = (...more: string[]) => ['-a', auth, '--source_db_auth_id', 'marked', '--output_dir', 'out', ...more];
const lakeport = (...argv: string[]) => runCli(argv, { cwd: scratch.path });

describe('an export', () => {
  it('prints its summary on stdout and its log on stderr, and exits with 0', async () => {
    const ended = await lakeport(...exporting('-i', 'orders,customers'));
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(
      /^TABLE +ROWS +FILES +SIZE +SECONDS +ROWS\/S\npublic\.customers +0 +1 .*\npublic\.orders +5,000 +1 .*\n2 tables +5,000 +2 /,
    );
    expect(ended.stdout).toMatch(/2 tables exported to out in .* \(one snapshot of all tables, run [0-9a-f-]{36}\)\n$/);
    expect(ended.stderr).toMatch(/INFO +lakeport \d/);
    expect(ended.stderr).toMatch(/INFO +public\.orders completed: 5,000 rows, 1 file/);
    expect(ended.stdout + ended.stderr).not.toContain('\u001b');
  });

  it('with --quiet prints nothing', async () => {
    expect(await lakeport(...exporting('-i', 'orders', '--quiet'))).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });

  it('with --json prints one document, with the log file beside it', async () => {
    const ended = await lakeport(
      ...exporting('-i', 'orders', '--json', '--quiet', '--log_dir', 'logs', '--sub_path', '{database}/{run_id}'),
    );
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    const document = JSON.parse(ended.stdout) as { run_id: string };
    expect(document).toMatchObject({
      exit_code: 0,
      source: { entry: 'marked' },
      totals: { rows: 5000, failed: 0 },
      tables: [{ table: 'orders', rows: 5000 }],
    });
    expect(existsSync(path.join(scratch.path, `out/postgres/${document.run_id}/public/orders/_SUCCESS`))).toBe(true);
    expect(readFileSync(path.join(scratch.path, `logs/lakeport_${document.run_id}.log`), 'utf8')).toMatch(
      /public\.orders completed/,
    );
  });

  it('of which a table fails tells why, gives a hint, and exits with 3', async () => {
    const ended = await lakeport(...exporting('-i', 'orders,secret'));
    expect(ended.code).toBe(3);
    expect(ended.stdout).toMatch(/1 table failed:\n {2}public\.secret: .*permission denied.*\n {4}hint: GRANT SELECT/);
    expect(ended.stdout).toMatch(/1 of 2 tables exported/);
    expect(ended.stderr).toMatch(/ERROR .*secret/);
    expect(ended.stdout + ended.stderr).not.toMatch(/^ +at /m);
  });

  it('of which a value cannot be written exactly exits with 5, and with 0 where NULL was asked for', async () => {
    const failed = await lakeport(...exporting('-i', 'orders,bad_prices'));
    expect(failed.code).toBe(5);
    expect(failed.stdout).toMatch(/public\.bad_prices: .*\n {4}hint: .*--on-unrepresentable/);
    const nulls = await lakeport(...exporting('-i', 'bad_prices', '--on-unrepresentable=null'));
    expect(nulls.code).toBe(0);
    expect(nulls.stdout).toMatch(/cannot hold them:\n {2}public\.bad_prices, price: 1\n/);
  });

  it('of no table names the patterns and exits with 2', async () => {
    const ended = await lakeport(...exporting('-i', 'ordrs', '--no_banner'));
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^lakeport: .*ordrs.*\nhint: .*orders/);
    expect(existsSync(path.join(scratch.path, 'out'))).toBe(false);
  });

  it('whose stdout nobody reads is done all the same', async () => {
    const running = startCli(exporting('-i', 'orders', '--log_level', 'WARNING'), { cwd: scratch.path });
    running.child.stdout?.destroy();
    expect(await running.result).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(path.join(scratch.path, 'out/public/orders/_SUCCESS'))).toBe(true);
  });
});

describe('a plan', () => {
  it('shows tables and columns, and writes nothing', async () => {
    for (const argv of [['plan', ...exporting('-i', 'orders')], exporting('-i', 'orders', '--dry-run')]) {
      const ended = await lakeport(...argv);
      expect(ended.code).toBe(0);
      expect(ended.stdout).toMatch(/^public\.orders +~5,000 .* None +1 +1 +out\/public\/orders$/m);
      expect(ended.stdout).toMatch(/^ {2}price +numeric\(12,2\) +INT64 DECIMAL\(12,2\) +null +exact$/m);
      expect(ended.stdout).toContain('Nothing was written.');
    }
    expect(existsSync(path.join(scratch.path, 'out'))).toBe(false);
  });

  it('with --json is a document; a table that would fail makes it exit with 3', async () => {
    const ended = await lakeport('plan', ...exporting('-i', 'orders,secret', '--json', '--quiet'));
    expect(ended.code).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      exit_code: 3,
      tables: [{ table: 'orders', columns: [{ name: 'id' }, { name: 'price' }, { name: 'note' }] }],
      problems: [{ table: 'secret' }],
    });
  });
});

describe('a check', () => {
  it('opens the database and names what answers', async () => {
    const ended = await lakeport('check', '-a', auth);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/^marked +postgres +127\.0\.0\.1:\d+\/postgres +ok +\d+ +PostgreSQL \d/m);
  });
});

describe('a password', () => {
  it('is in nothing that is written, even where the server itself tells it', async () => {
    const runs = [[], ['--json'], ['--log_format', 'json'], ['--dry_run']];
    for (const more of runs) {
      const argv = exporting(
        '--include_views',
        '-i',
        'leaking,orders',
        '--log_level',
        'DEBUG',
        '--log_dir',
        'logs',
        ...more,
      );
      const ended = await lakeport(...argv);
      expect(ended.stdout + ended.stderr).not.toMatch(/MARKER|pass word'1/);
      if (!more.includes('--dry_run')) expect(ended.stdout + ended.stderr).toContain('the password is ***');
    }
    const files = readdirSync(scratch.path, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(log|json)$/.test(name),
    );
    const texts = files
      .filter((name) => name !== 'auth.json')
      .map((name) => readFileSync(path.join(scratch.path, name), 'utf8'));
    expect(texts.length).toBeGreaterThan(runs.length);
    for (const text of texts) expect(text).not.toMatch(/MARKER|pass word'1/);
  });

  it('that is an ordinary word leaves the names of tables and columns alone', async () => {
    auth = await writeAuthFile(scratch.path, { worded: postgresEntry(server, { username: 'worded', password: WORD }) });
    const argv = [
      '-a',
      auth,
      '--source_db_auth_id',
      'worded',
      '--output_dir',
      'orders',
      '-i',
      'orders,customers',
      '--json',
    ];
    const ended = await lakeport(...argv);
    expect(ended.code).toBe(0);
    expect(ended.stdout + ended.stderr).not.toContain('***');
    expect(JSON.parse(ended.stdout)).toMatchObject({ target: 'orders', totals: { completed: 2 } });
  });
});

describe('a signal', () => {
  const endless = () => startCli(exporting('--include_views', '-i', 'endless,orders'), { cwd: scratch.path });

  async function published(running: RunningCli): Promise<void> {
    for (let wait = 0; wait < 400 && !running.stderr().includes('orders completed'); wait++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(running.stderr()).toContain('orders completed');
  }

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s ends the run, keeps what was published, says what was not, and exits with %i',
    async (signal, code) => {
      const running = endless();
      await published(running);
      running.kill(signal);
      const ended = await running.result;
      expect(ended).toMatchObject({ code, signal: null });
      expect(ended.stdout).toMatch(/1 table not exported: the run was ended before\n\n1 of 2 tables exported/);
      expect(ended.stderr).toMatch(/WARNING +Ending: removing staged files/);
      expect(await scratch.files()).toEqual(expect.arrayContaining(['out/public/orders/_SUCCESS']));
      expect((await scratch.files()).filter((name) => name.includes('endless'))).toEqual([]);
    },
  );

  it('that comes twice ends at once, by itself', async () => {
    const running = endless();
    await published(running);
    // Both wait until the program runs again, so that nothing can be done between them.
    running.kill('SIGSTOP');
    running.kill('SIGINT');
    running.kill('SIGTERM');
    running.kill('SIGCONT');
    const ended = await running.result;
    expect(ended.code).toBeNull();
    expect(['SIGINT', 'SIGTERM']).toContain(ended.signal);
  });
});
