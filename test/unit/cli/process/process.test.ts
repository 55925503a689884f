import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { EXIT_CODES } from '../../../../src/errors.js';
import { VERSION } from '../../../../src/version.js';
import { runCli, startCli, type CliResult } from '../../../harness/cli.js';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'lakeport-process-'));
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

async function lakeport(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> {
  return runCli(argv, { cwd: directory, env });
}

/** The program before its modules were joined, of which each package is a directory. */
const UNBUNDLED = fileURLToPath(new URL('../../../../dist/main.js', import.meta.url));

/** Files that were run, by the coverage that Node.js wrote. */
async function loadedFiles(argv: readonly string[], options: { readonly bin?: string }): Promise<string[]> {
  const coverage = mkdtempSync(path.join(directory, 'coverage-'));
  await runCli(argv, { ...options, cwd: directory, env: { NODE_V8_COVERAGE: coverage } });
  const reports = readdirSync(coverage).map((file) => readFileSync(path.join(coverage, file), 'utf8'));
  const results = reports.flatMap((text) => (JSON.parse(text) as { result: { url: string }[] }).result);
  return results.flatMap(({ url }) => (url.startsWith('file:') ? [fileURLToPath(url)] : []));
}

function authFile(name: string, content: unknown): string {
  const file = path.join(directory, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  return file;
}

describe('help and version', () => {
  it('go to stdout, with exit code 0', async () => {
    const help = await lakeport(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: lakeport /);
    expect(await lakeport(['-v'])).toMatchObject({ code: 0, stdout: `lakeport ${VERSION}\n`, stderr: '' });
  });

  it.each([
    [['--help'], []],
    [['--ouput_dir', 'x'], []],
    [['-a', 'x', '--source_db_auth_id', 'y'], ['jsonc-parser']],
  ])('come at once, as nothing is loaded that they do not need: %j', async (argv, packages) => {
    const files = await loadedFiles(argv, { bin: UNBUNDLED });
    expect(files).toContain(UNBUNDLED);
    const loaded = files.flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
    expect([...new Set(loaded)].sort()).toEqual(packages);
  });

  it('load a small part of the bundle', async () => {
    const files = (await loadedFiles(['--help'], {})).filter((file) => file.includes('/dist/bundle/'));
    expect(files.some((file) => file.endsWith('/main.js'))).toBe(true);
    expect(files.reduce((bytes, file) => bytes + statSync(file).size, 0)).toBeLessThan(300_000);
  });

  it('end quietly when nobody reads them', async () => {
    const running = startCli(['--help']);
    running.child.stdout?.destroy();
    expect(await running.result).toMatchObject({ code: 0, signal: null, stderr: '' });
  });
});

describe('a usage error', () => {
  it.each<[string[], RegExp]>([
    [[], /^lakeport: --auth-file and --source-db-auth-id must be given\nhint: .*\n$/],
    [['--xyz'], /^lakeport: There is no flag --xyz\nhint: lakeport --help lists all flags\.\n$/],
    [
      ['status'],
      /^lakeport: lakeport status needs the id of a run\nhint: lakeport runs lists them; --sync-id shows a stored sync\.\n$/,
    ],
    [['verify'], /^lakeport: lakeport verify needs the id of a run, or a path\nhint: .*\n$/],
    [['inspect'], /^lakeport: lakeport inspect needs the path of a file\nhint: .*\n$/],
    [['inspect', 'a', 'b'], /one file at a time/],
    [['inspect', 'a', '--rows', '0'], /--rows must be a whole number from 1/],
    [['inspect', '/no/such/file'], /does not exist\nhint: /],
    [['inspect', 's3://bucket/file'], /is a URL, where a local path or ID\/PATH is needed/],
    [['verify', '/no/such/directory'], /does not exist\nhint: /],
    [['--resume', 'x'], /--resume must be the id of a run/],
    [['--generate_metadata'], /--auth-file and --source-db-auth-id must be given/],
    [['--generate_metadata', '--run_id', 'x'], /--run-id must be a UUID/],
    [['check'], /--auth-file must be given/],
  ])('%j is a sentence and a hint on stderr, with exit code 2', async (argv, message) => {
    const ended = await lakeport(argv);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(message);
  });

  it('is a document on stdout too, where --json was given', async () => {
    const ended = await lakeport([
      '--json',
      '--n_jobs',
      '0',
      '-a',
      'x',
      '--source_db_auth_id',
      'y',
      '--output_dir',
      'z',
    ]);
    expect(ended.code).toBe(2);
    expect(JSON.parse(ended.stdout)).toMatchObject({ exit_code: 2, error: { code: 'BAD_VALUE' } });
    expect(ended.stderr).toMatch(/--n-jobs must be/);
  });
});

describe('an auth file', () => {
  const exporting = (file: string) => ['-a', file, '--source_db_auth_id', 'pg', '--output_dir', 'out', '--no_banner'];

  it.each<[string, unknown, RegExp]>([
    ['not JSON', '{"pg": ', /^lakeport: .*not-JSON\.json is not valid JSON: line 1, column \d+: .*\nhint: /],
    [
      'of wrong types',
      { pg: { ds_type: 'postgres', info: { server: 1, username: [], port: {} } } },
      /has 3 problems:\n {2}line 1: pg: `server` must be a string\n/,
    ],
    [
      'without the id',
      { ds_pg: { ds_type: 'sqlite', info: { filepath: 'x' } } },
      /has no entry "pg"\nhint: Its entries are: ds_pg\.\n$/,
    ],
    [
      'with a storage in its place',
      { pg: { storage_type: 'local', info: { directory: 'x' } } },
      /is a storage, where a database is needed/,
    ],
  ])('that is %s is a usage error, and nothing is written', async (name, content, message) => {
    const ended = await lakeport(exporting(authFile(`${name.replaceAll(' ', '-')}.json`, content)));
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(message);
    expect(readdirSync(directory)).not.toContain('out');
  });

  it('that is not there is a usage error', async () => {
    const ended = await lakeport(exporting('none.json'));
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toMatch(/^lakeport: There is no auth file at none\.json\nhint: /);
  });

  it('tells of flags that have no meaning, once', async () => {
    const ended = await lakeport([...exporting('none.json'), '--license', 'MARKER-license', '--fastbcp-dir-path', 'x']);
    expect(ended.stderr.match(/Not needed by lakeport, and ignored: --fastbcp-dir-path, --license$/gm)).toHaveLength(1);
    expect(ended.stderr).not.toContain('MARKER');
  });
});

/**
 * A server that is none: it takes what comes and answers a login with an error of our choice, or never.
 * Its error repeats the password, which no text of the program may.
 */
async function startImpostor(
  answer: string | undefined,
): Promise<{ readonly server: Server; readonly port: number; readonly asked: Promise<void> }> {
  let told: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    told = resolve;
  });
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      // The request for TLS is 8 bytes long and declined by an N; what follows is the login.
      if (data.length === 8) return void socket.write('N');
      told();
      if (answer !== undefined) socket.end(errorResponse(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // An address of a listening TCP server is of this kind.
  return { server, port: (server.address() as AddressInfo).port, asked };
}

/** ErrorResponse of PostgreSQL's protocol. */
function errorResponse(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C28P01\0M${message}\0\0`);
  const head = Buffer.from('E____');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

describe('a secret', () => {
  it('stands in nothing that the program writes, whatever a server answers', async () => {
    const secret = "MARKER/sec ret'1";
    const { server, port } = await startImpostor(
      `no: ${secret} ${encodeURIComponent(secret)} ${JSON.stringify({ secret })}`,
    );
    try {
      const fields = { server: '127.0.0.1', port, username: 'u', database: 'd', password: '${PW}' };
      const url = `postgres://u:${encodeURIComponent(secret)}@127.0.0.1:${port}/d`;
      const file = authFile('marker.json', {
        pg: { ds_type: 'postgres', info: fields },
        url: { ds_type: 'postgres', info: { connection_string: url } },
      });
      const environment = { PW: secret };
      const logs = path.join(directory, 'logs');
      const loud = ['--log_level', 'DEBUG', '--log_dir', logs];
      const ended: CliResult[] = [];
      for (const id of ['pg', 'url']) {
        const exporting = ['-a', file, '--source_db_auth_id', id, '--output_dir', 'out', ...loud];
        for (const more of [[], ['--json'], ['--log_format', 'json'], ['--dry_run']]) {
          ended.push(await lakeport([...exporting, ...more], environment));
        }
      }
      for (const more of [[], ['--json']])
        ended.push(await lakeport(['check', '-a', file, ...loud, ...more], environment));
      expect(ended.map(({ code }) => code)).toEqual(ended.map(() => EXIT_CODES.unreachable));
      const written = ended.map(({ stdout, stderr }) => stdout + stderr);
      const logged = readdirSync(logs).map((name) => readFileSync(path.join(logs, name), 'utf8'));
      expect(logged).toHaveLength(ended.length);
      for (const text of [...written, ...logged]) {
        expect(text).toContain('***');
        expect(text).not.toMatch(/MARKER|sec.{1,3}ret/);
      }
    } finally {
      server.close();
    }
  });
});

describe('the outcome', () => {
  it('of a port where nothing listens is exit code 4, a sentence and a hint, without a stack', async () => {
    const file = authFile('closed.json', {
      pg: { ds_type: 'postgres', info: { server: '127.0.0.1', port: 1, username: 'u', connect_timeout: '300ms' } },
    });
    const ended = await lakeport(['-a', file, '--source_db_auth_id', 'pg', '--output_dir', 'out', '--no_banner']);
    expect(ended).toMatchObject({ code: 4, stdout: '' });
    expect(ended.stderr).toMatch(/^lakeport: .*127\.0\.0\.1:1.*\nhint: .*\n$/m);
  });

  it('with --json is one document on stdout', async () => {
    const file = authFile('closed.json', {
      pg: { ds_type: 'postgres', info: { server: '127.0.0.1', port: 1, username: 'u', connect_timeout: '300ms' } },
    });
    const ended = await lakeport(['-a', file, '--source_db_auth_id', 'pg', '--output_dir', 'out', '--json', '--quiet']);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      command: 'export',
      exit_code: 4,
      error: { message: expect.any(String) as string },
    });
  });

  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('of %s is exit code %i, soon', async (signal, code) => {
    const { server, port, asked } = await startImpostor(undefined);
    try {
      const file = authFile('silent.json', {
        pg: { ds_type: 'postgres', info: { server: '127.0.0.1', port, username: 'u', password: 'p' } },
      });
      const argv = ['-a', file, '--source_db_auth_id', 'pg', '--output_dir', 'out', '--no_banner'];
      const running = startCli(argv, { cwd: directory });
      await asked;
      running.kill(signal);
      const ended = await running.result;
      expect(ended).toMatchObject({ code, signal: null, stdout: '' });
      expect(ended.stderr).toContain(signal);
      // The server would be waited for half a minute.
      expect(ended.seconds).toBeLessThan(15);
    } finally {
      server.close();
    }
  });
});

describe('check', () => {
  it('writes to a directory, reads back, and leaves nothing there', async () => {
    const lake = path.join(directory, 'lake');
    const file = authFile('check.json', { lake: { storage_type: 'local', info: { directory: lake } } });
    const ended = await lakeport(['check', '-a', file]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^ID +KIND +ADDRESS +RESULT +MS\nlake +local +\S+lake +ok +\d+\n$/);
    expect(readdirSync(lake)).toEqual([]);
  });

  it('tells what is wrong with each entry, and exits with 4', async () => {
    mkdirSync(path.join(directory, 'x'));
    writeFileSync(path.join(directory, 'plain-file'), '');
    const file = authFile('check.json', {
      lake: { storage_type: 'local', info: { directory: path.join(directory, 'x') } },
      blocked: { storage_type: 'local', info: { directory: path.join(directory, 'plain-file') } },
      pg: { ds_type: 'postgres', info: { server: '127.0.0.1', port: 1, username: 'u', connect_timeout: '300ms' } },
      ora: { ds_type: 'oracle', info: {} },
    });
    const ended = await lakeport(['check', '-a', file, '--json']);
    expect(ended.code).toBe(4);
    expect(JSON.parse(ended.stdout)).toMatchObject({
      command: 'check',
      entries: [
        { id: 'lake', kind: 'local', result: 'ok' },
        { id: 'blocked', kind: 'local', result: 'failed', error: { hint: expect.any(String) as string } },
        { id: 'pg', kind: 'postgres', address: '127.0.0.1:1', result: 'failed' },
        { id: 'ora', kind: 'oracle', result: 'not available yet' },
      ],
    });
    expect((await lakeport(['check', '-a', file, 'lake'])).code).toBe(0);
    expect((await lakeport(['check', '-a', file, 'ora'])).code).toBe(2);
    expect((await lakeport(['check', '-a', file, 'lkae'])).stderr).toMatch(/has no entry "lkae"; did you mean lake\?/);
  });
});
