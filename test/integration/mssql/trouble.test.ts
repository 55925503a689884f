import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { AUTHORITY, LOCALHOST_CERTIFICATE, OTHER_NAME_CERTIFICATE, SERVER_KEY } from '../../servers/certificates.js';
import { runCliHere } from '../../harness/cli-here.js';
import { startCli, temporaryDirectory, writeAuthFile, type RunningCli } from '../../harness/cli.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import type { WireValue } from '../../servers/tds/result-set.js';
import { startTdsServer, type TdsServer, type TdsServerOptions } from '../../servers/tds/server.js';
import type { TdsHandler, TdsQuery } from '../../servers/tds/session.js';
import { TdsError } from '../../servers/tds/tokens.js';
import { TestDatabase } from '../../servers/tds/test-database.js';
import type { Quirks, TestTable } from '../../servers/tds/test-tables.js';

/** Servers that restart, lose rows, or take their time, as the program meets them. */

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ROWS = 4000;
const T: TestTable = {
  name: 't',
  columns: [
    { name: 'id', type: 'int', nullable: false },
    { name: 'region', type: 'nvarchar(10)' },
  ],
  rows: Array.from({ length: ROWS }, (_, i): WireValue[] => [i, i % 9 === 0 ? null : `r${i % 3}`]),
};

async function database(quirks: Quirks = {}): Promise<TestDatabase> {
  const created = await TestDatabase.create([T], quirks);
  cleanups.push(() => created.close());
  return created;
}

async function serve(handler: TdsHandler, options: Partial<TdsServerOptions> = {}): Promise<TdsServer> {
  const server = await startTdsServer({ handler, ...options });
  cleanups.push(() => server.stop());
  return server;
}

interface Start {
  readonly cli: Pick<RunningCli, 'result'>;
  readonly directory: string;
}

interface Words {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** An export's command line. */
async function exportOf(
  { port, user, password }: Pick<TdsServer, 'port' | 'user' | 'password'>,
  args: readonly string[],
  info: Readonly<Record<string, unknown>> = {},
): Promise<Words> {
  const home = await temporaryDirectory();
  cleanups.push(() => home.remove());
  const entry = { server: '127.0.0.1', port, database: 'shop', username: user, password, encrypt: false, ...info };
  const auth = await writeAuthFile(home.path, { ds_ms: { ds_type: 'mssql', auth_mode: 'classic', info: entry } });
  const directory = path.join(home.path, 'out');
  const words = ['-a', auth, '--source_db_auth_id', 'ds_ms', '--output_dir', directory, '--json', ...args];
  return { words, env: { XDG_STATE_HOME: home.path }, directory };
}

/** In this process. */
async function start(...options: Parameters<typeof exportOf>): Promise<Start> {
  const { words, env, directory } = await exportOf(...options);
  return { cli: { result: runCliHere(words, { env }) }, directory };
}

/** In a process of its own, with these variables. */
async function startProcess(
  variables: Readonly<Record<string, string>>,
  ...options: Parameters<typeof exportOf>
): Promise<RunningCli> {
  const { words, env } = await exportOf(...options);
  return startCli(words, { env: { ...env, ...variables } });
}

const isOfRows = ({ sql }: TdsQuery) => /^SELECT \[id\], \[region\] FROM/.test(sql);
const isSlicingQuestion = ({ sql }: TdsQuery) => sql.includes('GROUP BY slice_keys');
const BY_REGION = ['--table_config', 't:DataDriven:region'];

async function exportedRows(directory: string): Promise<number> {
  const names = await readdir(path.join(directory, 'dbo/t'), { recursive: true }).catch(() => []);
  const files = names.filter((name) => name.endsWith('.parquet')).map((name) => path.join(directory, 'dbo/t', name));
  if (files.length === 0) return 0;
  const [row] = await queryDuckDb(
    `SELECT count(DISTINCT id)::INTEGER AS n FROM read_parquet([${files.map(quote).join(', ')}])`,
  );
  return Number(row?.['n']);
}

describe('rows of slices', () => {
  /** Some rows of slices by region 2 are not found. */
  const losing =
    (db: TestDatabase): TdsHandler =>
    async (query) => {
      const answer = await db.handler(query);
      const isHit = isOfRows(query) && query.sql.includes("N'r2'");
      if (!isHit || answer === undefined || !('rows' in answer)) return answer;
      return { ...answer, rows: [...(answer.rows as readonly WireValue[][])].slice(1) };
    };

  test('that the server loses fail their table, which is not published', async () => {
    const server = await serve(losing(await database()));
    const { cli, directory } = await start(server, BY_REGION);
    const { code, stdout } = await cli.result;
    expect(code).toBe(3);
    expect(stdout).toContain('SLICES_DIFFER_FROM_TABLE');
    expect(stdout).toContain(`counts ${ROWS} rows`);
    expect(await exportedRows(directory)).toBe(0);
  });

  test('are compared with a count where the plan has none of its own', async () => {
    const db = await database();
    const handler: TdsHandler = async (query) => {
      const answer = await db.handler(query);
      const isHit = isOfRows(query) && query.sql.includes('ABS([id] % 2) = 1');
      if (!isHit || answer === undefined || !('rows' in answer)) return answer;
      return { ...answer, rows: [...(answer.rows as readonly WireValue[][])].slice(1) };
    };
    const { cli } = await start(await serve(handler), ['--table_config', 't:Random:id:2']);
    const { code, stdout } = await cli.result;
    expect(code).toBe(3);
    expect(stdout).toContain('SLICES_DIFFER_FROM_TABLE');
  });

  test('are not counted where nobody wants that', async () => {
    let counts = 0;
    const db = await database();
    const handler: TdsHandler = (query) => {
      if (query.sql.includes('COUNT_BIG(*)) FROM')) counts++;
      return db.handler(query);
    };
    const args = ['--table_config', 't:Random:id:2', '--row_check', 'none'];
    const { cli, directory } = await start(await serve(handler), args);
    const { code, stdout } = await cli.result;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ tables: [{ row_check: 'off' }] });
    expect(counts).toBe(0);
    expect(await exportedRows(directory)).toBe(ROWS);
  });

  test('that cannot be counted for a lock are told not to be checked', async () => {
    const db = await database();
    const handler: TdsHandler = (query) => {
      if (query.sql.includes('COUNT_BIG(*)) FROM')) throw new TdsError(1222, 'Lock request time out period exceeded.');
      return db.handler(query);
    };
    const { cli, directory } = await start(await serve(handler), ['--table_config', 't:Random:id:2']);
    const { code, stdout, stderr } = await cli.result;
    expect(code).toBe(0);
    expect(stderr).toContain('dbo.t: its rows could not be counted, so its 2 slices are not checked: ');
    const document = JSON.parse(stdout) as { readonly warnings: readonly object[] };
    expect(document).toMatchObject({ tables: [{ row_check: 'not_possible' }] });
    expect(JSON.stringify(document.warnings)).toContain('could not be counted');
    expect(await exportedRows(directory)).toBe(ROWS);
  });

  test('that come while the table is read are told, and fail nothing', async () => {
    const db = await database();
    const handler: TdsHandler = (query) => {
      if (query.sql.startsWith('SELECT CONVERT(float, COUNT_BIG(*))')) {
        return { columns: [{ name: '', type: 'float' }], rows: [[ROWS + 7]] };
      }
      return losing(db)(query);
    };
    const { cli, directory } = await start(await serve(handler), BY_REGION);
    const { code, stderr } = await cli.result;
    expect(code).toBe(0);
    expect(stderr).toContain(`${ROWS} rows before and ${ROWS + 7} after, ${ROWS - 1} were exported`);
    expect(await exportedRows(directory)).toBe(ROWS - 1);
  });
});

describe('a server that goes away', () => {
  test('and comes back in the middle of a read is waited for', async () => {
    const db = await database();
    let restart: Promise<void> | undefined;
    const handler: TdsHandler = async (query) => {
      if (!isOfRows(query) || restart !== undefined) return db.handler(query);
      const { port } = server;
      restart = server
        .stop()
        .then(() => setTimeout(1500))
        .then(async () => {
          await serve(db.handler, { port });
        });
      return db.handler(query);
    };
    const server = await startTdsServer({ handler });
    const { cli, directory } = await start(server, ['-p', '1']);
    const { code, stderr } = await cli.result;
    await restart;
    expect(stderr).toContain('attempt 2 of');
    expect(code).toBe(0);
    expect(await exportedRows(directory)).toBe(ROWS);
  });

  test('in a slicing question is asked again', async () => {
    const db = await database();
    let cuts = 0;
    const handler: TdsHandler = async (query) => {
      if (isSlicingQuestion(query) && cuts++ === 0) {
        server.cut();
        await setTimeout(50);
      }
      return db.handler(query);
    };
    const server = await serve(handler);
    const { cli, directory } = await start(server, BY_REGION);
    expect((await cli.result).code).toBe(0);
    expect(cuts).toBe(2);
    expect(await exportedRows(directory)).toBe(ROWS);
  });

  test('for longer in a slicing question is waited for', async () => {
    const db = await database();
    let restart: Promise<void> | undefined;
    const handler: TdsHandler = (query) => {
      if (isSlicingQuestion(query)) {
        const { port } = server;
        restart ??= server
          .stop()
          .then(() => setTimeout(1000))
          .then(async () => {
            await serve(db.handler, { port });
          });
      }
      return db.handler(query);
    };
    const server = await startTdsServer({ handler });
    const { cli, directory } = await start(server, BY_REGION);
    const { code, stderr } = await cli.result;
    await restart;
    expect(stderr).toMatch(/refused/i);
    expect(code).toBe(0);
    expect(await exportedRows(directory)).toBe(ROWS);
  });
});

describe('a slicing question that takes long', () => {
  /** Until the client gives it up, or for ever where the server does not listen. */
  async function slow(options: { readonly listens: boolean }) {
    const db = await database();
    let ask: (attention: AbortSignal) => void = () => undefined;
    const asked = new Promise<AbortSignal>((resolve) => (ask = resolve));
    const handler: TdsHandler = async (query) => {
      if (!isSlicingQuestion(query)) return db.handler(query);
      ask(query.attention);
      if (options.listens) await once(query.attention, 'abort');
      else await setTimeout(60_000, undefined, { ref: false });
      return undefined;
    };
    return { server: await serve(handler), asked };
  }

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends with %s, in the server too, and no table has failed', async (signal, code) => {
    const { server, asked } = await slow({ listens: true });
    const cli = await startProcess({}, server, BY_REGION);
    const attention = await asked;
    cli.kill(signal);
    const result = await cli.result;
    expect(result.code).toBe(code);
    expect(attention.aborted).toBe(true);
    expect(result.stdout + result.stderr).not.toContain('failed');
  });

  test('ends soon where the server does not listen', async () => {
    const { server, asked } = await slow({ listens: false });
    const cli = await startProcess({}, server, BY_REGION);
    await asked;
    const since = performance.now();
    cli.kill('SIGINT');
    expect((await cli.result).code).toBe(130);
    expect(performance.now() - since).toBeLessThan(20_000);
  });

  test('longer than "statement_timeout" says which setting that was', async () => {
    const { server } = await slow({ listens: true });
    const { cli } = await start(server, [...BY_REGION, '--dry_run'], { statement_timeout: '1s' });
    const { stdout, stderr } = await cli.result;
    const said = stdout + stderr;
    expect(said).toContain('statement_timeout');
    expect(said).not.toContain('connect_timeout');
  });
});

test('limits of rows, and readers, that nobody can decide upon are told', async () => {
  const refused = { 'sys.dm_db_partition_stats': 208, 'sys.partitions': 208 };
  const server = await serve((await database({ refused })).handler);
  const { cli } = await start(server, ['--dry_run', '--min_rows', '5', '-p', '2']);
  const { code, stderr } = await cli.result;
  expect(code).toBe(0);
  expect(stderr).toContain('no row estimate for dbo.t: exported regardless of --min-rows 5');
  expect(stderr).toContain('no row estimate for dbo.t: it is read by one reader');
});

test.each([
  ['an HTTP server', 'HTTP/1.1 400 Bad Request\r\n\r\n', false],
  ['an SSH server', 'SSH-2.0-OpenSSH_9.2\r\n', true],
  ['MySQL or MariaDB', '\x4a\0\0\0\x0a8.0.36\0', true],
  ['PostgreSQL', 'E\0\0\0\x08abc\0', false],
  ['the server closes the connection without a response', '', false],
])('where %s answers, it is named in one sentence', async (name, answer, speaksFirst) => {
  const other = createServer((socket) => {
    socket.on('error', () => undefined);
    const reply = () => socket.end(answer, 'latin1');
    if (speaksFirst) reply();
    else socket.once('data', reply);
  }).listen(0, '127.0.0.1');
  cleanups.push(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const { cli } = await start({ port, user: 'sa', password: 'x' }, [], { connect_timeout: '3s' });
  const { code, stdout } = await cli.result;
  expect(code).toBe(4);
  const { error } = JSON.parse(stdout) as { readonly error: { readonly code: string; readonly message: string } };
  expect(error.code).toBe('SOURCE_NOT_SQL_SERVER');
  expect(error.message).toContain(`Cannot connect to 127.0.0.1:${port}: ${name}`);
});

test('synonyms and external tables that are asked for by name are told why they are not taken', async () => {
  const columns = [{ name: 'id', type: 'int' }];
  const db = await TestDatabase.create([
    T,
    { name: 'alias', kind: 'synonym', columns },
    { name: 'lake', kind: 'external table', columns },
    { name: 'shipped', origin: 'system', columns },
  ]);
  cleanups.push(() => db.close());
  const { cli } = await start(await serve(db.handler), ['-i', 't,alias,lake,shipped,nosuch']);
  const { code, stderr } = await cli.result;
  expect(code).toBe(0);
  expect(stderr).toContain('dbo.alias is a synonym of [other].[dbo].[alias]');
  expect(stderr).toContain('dbo.lake is an external table');
  expect(stderr).toContain("dbo.shipped is one of the server's own tables");
  expect(stderr).toMatch(/No table matches "nosuch" of --include(?!:)/);
});

describe('TLS to an address', () => {
  const attempt = async (
    cert: string,
    info: Readonly<Record<string, unknown>> = {},
    variable = 'NODE_EXTRA_CA_CERTS',
  ) => {
    const home = await temporaryDirectory();
    cleanups.push(() => home.remove());
    const authority = path.join(home.path, 'ca.pem');
    await writeFile(authority, AUTHORITY);
    const server = await serve((await database()).handler, { tls: { cert, key: SERVER_KEY } });
    return (await startProcess({ [variable]: authority }, server, [], { encrypt: true, ...info })).result;
  };

  test('is checked against the address, and Node has nothing to warn of', async () => {
    const { code, stderr } = await attempt(LOCALHOST_CERTIFICATE);
    expect(stderr).not.toContain('DEP0123');
    expect(code).toBe(0);
  });

  test("trusts this system's authorities too", async () => {
    const { code, stderr } = await attempt(LOCALHOST_CERTIFICATE, {}, 'SSL_CERT_FILE');
    expect(stderr).not.toContain('not trusted');
    expect(code).toBe(0);
  });

  test('is refused with the certificate of another server', async () => {
    const { code, stderr } = await attempt(OTHER_NAME_CERTIFICATE);
    expect(code).toBe(4);
    expect(stderr).toContain('127.0.0.1');
    expect(stderr).toMatch(/certificate|altname/i);
    const unseen = await attempt(OTHER_NAME_CERTIFICATE, { trust_server_certificate: true });
    expect(unseen.code).toBe(0);
    expect(unseen.stderr).not.toContain('DEP0123');
  });
});
