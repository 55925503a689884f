import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LakeportError } from '../../../../src/errors.js';
import { openLocalStorage } from '../../../../src/storage/local/index.js';
import { currentProcess } from '../../../../src/runtime/process-identity.js';
import type { StagedPart, Storage } from '../../../../src/storage/storage.js';
import { distModule } from '../../../harness/dist.js';
import { mountTmpfs, ScratchDirectory } from '../../../harness/scratch.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const OTHER_RUN = '22222222-2222-4222-8222-222222222222';
const NOBODY = 65534;

const bytes = (text: string) => new TextEncoder().encode(text);

let scratch: ScratchDirectory;
let base: string;
let storage: Storage;

beforeEach(async () => {
  scratch = new ScratchDirectory();
  base = path.join(scratch.path, 'out');
  storage = await openLocalStorage({ id: 'test', directory: base });
});

afterEach(async () => {
  await storage.close();
  scratch.remove();
});

async function stage(relative: string, text = 'content', runId = RUN): Promise<StagedPart> {
  const writer = await storage.stage(relative, { runId });
  await writer.write([bytes(text)]);
  return writer.end();
}

async function failure(operation: Promise<unknown>): Promise<LakeportError> {
  return operation.then(
    () => {
      throw new Error('nothing failed');
    },
    (error: unknown) => error as LakeportError,
  );
}

describe('staging and publishing', () => {
  it('shows a part only when it is published, with the size and hash of what was written', async () => {
    const writer = await storage.stage('public/orders/part-00000.parquet', { runId: RUN });
    await writer.write([bytes('first '), new Uint8Array(0), bytes('second ')]);
    await writer.write([bytes('third')]);
    const staged = await writer.end();

    const content = 'first second third';
    expect(staged).toMatchObject({
      storageId: 'test',
      bytes: content.length,
      sha256: createHash('sha256').update(content).digest('hex'),
    });
    expect(structuredClone(staged)).toEqual(staged);
    expect(await storage.list('public/orders')).toEqual([]);
    expect(await scratch.files()).toEqual([
      expect.stringMatching(new RegExp(`^out/public/orders/\\.lakeport-${RUN}-part-00000-[0-9a-f]+\\.tmp$`)),
    ]);

    await storage.publish(staged, 'public/orders/part-00007.parquet');
    expect(await scratch.files()).toEqual(['out/public/orders/part-00007.parquet']);
    expect(readFileSync(path.join(base, 'public/orders/part-00007.parquet'), 'utf8')).toBe(content);
    expect(await storage.list('public')).toEqual([{ path: 'public/orders/part-00007.parquet', bytes: content.length }]);
  });

  it('publishes what another opened storage has staged', async () => {
    const staged = structuredClone(await stage('s/t/part-00000.parquet'));
    const other = await openLocalStorage({ id: 'test', directory: base });
    await other.publish(staged, 's/t/part-00000.parquet');
    expect(await scratch.files()).toEqual(['out/s/t/part-00000.parquet']);
  });

  it('takes a small part for lost once a power failure has left no more of it than its size', async () => {
    const [whole, hollow] = [await stage('s/t/part-00000.parquet'), await stage('s/t/part-00001.parquet')];
    writeFileSync(path.join(base, String(hollow.token['file'])), Buffer.alloc(hollow.bytes));
    expect(await storage.locate(whole, 's/t/part-00000.parquet')).toBe('staged');
    expect(await storage.locate(hollow, 's/t/part-00001.parquet')).toBe('gone');
  });

  it('has names on disk after `persist`, and reports what is missing', async () => {
    await storage.publish(await stage('s/t/part-00000.parquet'), 's/t/part-00000.parquet', { isPersistedLater: true });
    await storage.put('s/_t.manifest.json', bytes('{}'), { isPersistedLater: true });
    await storage.persist?.(['s/t', 's', '']);
    expect(await scratch.files()).toEqual(['out/s/_t.manifest.json', 'out/s/t/part-00000.parquet']);
    expect((await failure(storage.persist?.(['s/gone']) ?? Promise.resolve())).code).toBe('STORAGE_PATH_GONE');
  });

  it('replaces the file of an earlier export, and a link without touching what it points at', async () => {
    const precious = path.join(scratch.path, 'precious');
    writeFileSync(precious, 'precious');
    mkdirSync(path.join(base, 's/t'), { recursive: true });
    writeFileSync(path.join(base, 's/t/part-00000.parquet'), 'old');
    symlinkSync(precious, path.join(base, 's/t/part-00001.parquet'));
    await storage.publish(await stage('s/t/part-00000.parquet', 'new'), 's/t/part-00000.parquet');
    await storage.publish(await stage('s/t/part-00001.parquet', 'new'), 's/t/part-00001.parquet');
    expect(readFileSync(path.join(base, 's/t/part-00000.parquet'), 'utf8')).toBe('new');
    expect(readFileSync(path.join(base, 's/t/part-00001.parquet'), 'utf8')).toBe('new');
    expect(readFileSync(precious, 'utf8')).toBe('precious');
  });

  it('writes thousands of chunks and many megabytes as they came', async () => {
    const chunks = Array.from({ length: 5000 }, (_, i) => new Uint8Array(4096).fill(i % 251));
    const expected = Buffer.concat(chunks);
    const writer = await storage.stage('s/t/part-00000.parquet', { runId: RUN });
    await writer.write(chunks);
    const staged = await writer.end();
    await storage.publish(staged, 's/t/part-00000.parquet');
    const content = readFileSync(path.join(base, 's/t/part-00000.parquet'));
    expect(content.equals(expected)).toBe(true);
    expect(staged.bytes).toBe(content.length);
  });

  it('leaves nothing of an aborted part, not even the directories made for it', async () => {
    mkdirSync(path.join(base, 'public'), { recursive: true });
    const writer = await storage.stage('public/orders/year=2025/part-00000.parquet', { runId: RUN });
    await writer.write([bytes('half')]);
    await writer.abort();
    await writer.abort();
    expect(await scratch.files()).toEqual(['out/public/']);
  });

  it('aborts a part that was ended already', async () => {
    const writer = await storage.stage('s/t/part-00000.parquet', { runId: RUN });
    await writer.end();
    await writer.abort();
    expect(await scratch.files()).toEqual(['out/']);
  });

  it('keeps directories that others have filled meanwhile', async () => {
    const aborted = await storage.stage('public/orders/part-00000.parquet', { runId: RUN });
    const kept = await stage('public/customers/part-00000.parquet');
    await aborted.abort();
    await storage.publish(kept, 'public/customers/part-00000.parquet');
    expect(await scratch.files()).toEqual(['out/public/customers/part-00000.parquet']);
  });

  it('stages while other threads remove the directory because it is empty', async () => {
    const stores = await Promise.all([1, 2, 3, 4].map(() => openLocalStorage({ id: 'test', directory: base })));
    await Promise.all(
      stores.map(async (store) => {
        for (let i = 0; i < 200; i++) {
          const writer = await store.stage('s/t/part-00000.parquet', { runId: RUN });
          await writer.abort();
        }
      }),
    );
    expect(await scratch.files()).toEqual(['out/']);
  });

  it('withdraws a part, twice if asked', async () => {
    const staged = await stage('s/t/part-00000.parquet');
    await storage.discard(staged);
    await storage.discard(staged);
    expect(await scratch.files()).toEqual(['out/']);
  });

  it('says so when a staged part was removed by somebody else', async () => {
    const staged = await stage('s/t/part-00000.parquet');
    rmSync(path.join(base, String(staged.token['file'])));
    expect(await failure(storage.publish(staged, 's/t/part-00000.parquet'))).toMatchObject({
      code: 'STAGED_PART_GONE',
    });
  });

  it('publishes and withdraws hidden files of its own only', async () => {
    const staged = await stage('s/t/part-00000.parquet');
    mkdirSync(path.join(base, 'a'));
    writeFileSync(path.join(base, 'a/data.csv'), 'x');
    for (const file of ['a/data.csv', '../.lakeport-x.tmp', undefined]) {
      const forged = { ...staged, token: { file } };
      expect(await failure(storage.discard(forged))).toMatchObject({ exit: 'unexpected' });
      expect(await failure(storage.publish(forged, 'a/data.csv'))).toMatchObject({ exit: 'unexpected' });
    }
    expect(await failure(storage.publish(staged, 's/other/part-00000.parquet'))).toMatchObject({
      code: 'PART_OF_OTHER_DIRECTORY',
    });
  });

  it.each(['../x/part-00000.parquet', '/etc/x', 's/../../x', 's//x'])('refuses the path %j', async (bad) => {
    expect(await failure(storage.stage(bad, { runId: RUN }))).toMatchObject({ code: 'UNSAFE_PATH' });
    expect(await failure(storage.put(bad, bytes('x')))).toMatchObject({ code: 'UNSAFE_PATH' });
    expect(await failure(storage.get(bad))).toMatchObject({ code: 'UNSAFE_PATH' });
    expect(await failure(storage.list(bad))).toMatchObject({ code: 'UNSAFE_PATH' });
    expect(await failure(storage.remove([bad]))).toMatchObject({ code: 'UNSAFE_PATH' });
  });
});

describe('small objects', () => {
  it('are put whole, replaced, read and removed', async () => {
    expect(await storage.get('s/t/_manifest.json')).toBeUndefined();
    await storage.put('s/t/_manifest.json', bytes('one'));
    await storage.put('s/t/_manifest.json', bytes('two'));
    await storage.put('s/t/_SUCCESS', new Uint8Array(0));
    expect(new TextDecoder().decode(await storage.get('s/t/_manifest.json'))).toBe('two');
    expect(await scratch.files()).toEqual(['out/s/t/_SUCCESS', 'out/s/t/_manifest.json']);
    await storage.remove(['s/t/_SUCCESS', 's/t/_manifest.json', 's/t/never-there']);
    expect(await scratch.files()).toEqual(['out/s/t/']);
  });

  it('take their emptied partition directories with them, but no others', async () => {
    await storage.put('s/t/year=2024/month=01/part-00000.parquet', bytes('x'));
    await storage.put('s/t/year=2024/month=02/part-00001.parquet', bytes('x'));
    await storage.remove(['s/t/year=2024/month=01/part-00000.parquet']);
    expect(await scratch.files()).toEqual(['out/s/t/year=2024/month=02/part-00001.parquet']);
    await storage.remove(['s/t/year=2024/month=02/part-00001.parquet']);
    expect(await scratch.files()).toEqual(['out/s/t/']);
  });

  it('are listed with those in directories below, temporary ones left out', async () => {
    expect(await storage.list('s/t')).toEqual([]);
    await storage.put('s/t/part-00000.parquet', bytes('12'));
    await storage.put('s/t/year=2024/part-00001.parquet', bytes('345'));
    await stage('s/t/part-00002.parquet');
    symlinkSync('/nowhere', path.join(base, 's/t/broken'));
    const listed = await storage.list('s/t');
    expect(listed.sort((a, b) => a.path.localeCompare(b.path))).toEqual([
      { path: 's/t/broken', bytes: 0 },
      { path: 's/t/part-00000.parquet', bytes: 2 },
      { path: 's/t/year=2024/part-00001.parquet', bytes: 3 },
    ]);
  });
});

describe('the base directory', () => {
  it('is made with those above it', async () => {
    await storage.prepare();
    expect(statSync(base).isDirectory()).toBe(true);
    await storage.prepare();
  });

  it('is shown as it was given', async () => {
    const shown = async (directory: string, relative: string) =>
      (await openLocalStorage({ id: 'x', directory })).display(relative);
    expect(await shown('./exports/', 'a/b.parquet')).toBe('./exports/a/b.parquet');
    expect(await shown('/', 'a/b.parquet')).toBe('/a/b.parquet');
    expect(await shown('/data', '')).toBe('/data');
  });

  it.runIf(existsSync('/proc/self'))('cannot be where no directory can be made', async () => {
    const nowhere = await openLocalStorage({ id: 'x', directory: '/proc/nowhere/exports' });
    expect(await failure(nowhere.prepare())).toMatchObject({ code: 'DIRECTORY_NOT_MADE', exit: 'unreachable' });
  });

  it('cannot be a file, nor lie below one', async () => {
    writeFileSync(base, '');
    expect(await failure(storage.prepare())).toMatchObject({ code: 'NOT_A_DIRECTORY', exit: 'usage' });
    const below = await openLocalStorage({ id: 'x', directory: path.join(base, 'deeper/still') });
    const error = await failure(below.prepare());
    expect(error).toMatchObject({ code: 'NOT_A_DIRECTORY', exit: 'usage' });
    expect(error.message).toContain(path.join(base, 'deeper/still'));
    expect(error.hint).toContain('--output-dir');
  });

  it('cannot have a name that is too long', async () => {
    const long = await openLocalStorage({ id: 'x', directory: path.join(base, 'x'.repeat(300)) });
    expect(await failure(long.prepare())).toMatchObject({ code: 'PATH_TOO_LONG', exit: 'usage' });
  });

  it('that this user may not write is refused before anything is read', (context) => {
    const script = `
      const { openLocalStorage } = await import(${JSON.stringify(distModule('storage/local/index.js'))});
      const storage = await openLocalStorage({ id: 'x', directory: process.argv[1] });
      await storage.prepare().then(() => console.log('{}'), (error) => console.log(JSON.stringify(error.toData())));`;
    mkdirSync(base);
    chmodSync(scratch.path, 0o755);
    chmodSync(base, 0o555);
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    for (const directory of [base, path.join(base, 'below')]) {
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, directory], {
        ...user,
        encoding: 'utf8',
      });
      if (/EACCES|MODULE_NOT_FOUND/.test(child.stderr)) context.skip('the checkout cannot be read by another user');
      expect(JSON.parse(child.stdout)).toMatchObject({ code: 'STORAGE_ACCESS_DENIED', exit: 'unreachable' });
    }
  });
});

describe('in trouble', () => {
  it('a full disk is said as such, and the aborted part frees its space', async (context) => {
    const small = mountTmpfs('1m');
    if (small === undefined) return context.skip('no right to mount a small file system');
    try {
      const full = await openLocalStorage({ id: 'x', directory: small.path });
      const writer = await full.stage('s/t/part-00000.parquet', { runId: RUN });
      const error = await failure(writer.write([new Uint8Array(700_000), new Uint8Array(700_000)]));
      expect(error).toMatchObject({ code: 'DISK_FULL', exit: 'tables-failed', context: { detail: 'ENOSPC' } });
      expect(error.message).toContain('part-00000.parquet');
      await writer.abort();
      const next = await full.stage('s/t/part-00000.parquet', { runId: RUN });
      await next.write([new Uint8Array(700_000)]);
      await full.publish(await next.end(), 's/t/part-00000.parquet');
      const small2 = await failure(full.put('s/t/_manifest.json', new Uint8Array(700_000)));
      expect(small2).toMatchObject({ code: 'DISK_FULL' });
      expect((await full.list('')).map((object) => object.path)).toEqual(['s/t/part-00000.parquet']);
    } finally {
      small.unmount();
    }
  });

  it('a directory in the place of a part is said as such, and the staged part can be withdrawn', async () => {
    const staged = await stage('s/t/part-00000.parquet');
    mkdirSync(path.join(base, 's/t/part-00000.parquet'));
    expect(await failure(storage.publish(staged, 's/t/part-00000.parquet'))).toMatchObject({ code: 'IS_A_DIRECTORY' });
    await storage.discard(staged);
    expect(await scratch.files()).toEqual(['out/s/t/part-00000.parquet/']);
  });

  it('a file in the place of a directory is said as such', async () => {
    mkdirSync(base);
    writeFileSync(path.join(base, 's'), '');
    expect(await failure(storage.stage('s/t/part-00000.parquet', { runId: RUN }))).toMatchObject({
      code: 'NOT_A_DIRECTORY',
    });
  });
});

describe('runs', () => {
  /** Starts a process that begins a run, stages parts, and then waits to be killed. */
  async function otherProcess(directories: readonly string[]): Promise<{ kill(): Promise<void> }> {
    const script = `
      const { openLocalStorage } = await import(${JSON.stringify(distModule('storage/local/index.js'))});
      const [base, runId, ...directories] = process.argv.slice(1);
      const storage = await openLocalStorage({ id: 'test', directory: base });
      await storage.prepare();
      await storage.beginRun({ runId, directory: 'daily' });
      const worker = await openLocalStorage({ id: 'test', directory: base });
      for (const directory of directories) {
        const writer = await worker.stage(directory + '/part-00000.parquet', { runId });
        await writer.write([new Uint8Array(10)]);
        if (directory !== directories.at(-1)) await writer.end();
      }
      console.log('staged');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, base, OTHER_RUN, ...directories]);
    let errors = '';
    child.stderr.on('data', (data) => (errors += String(data)));
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await Promise.race([
      new Promise((resolve) => child.stdout.once('data', resolve)),
      exited.then(() => Promise.reject(new Error(errors))),
    ]);
    return {
      kill: async () => {
        child.kill('SIGKILL');
        await exited;
      },
    };
  }

  it('leave the temporary files of others alone as long as these live, and remove them afterwards', async () => {
    mkdirSync(path.join(base, 'daily'), { recursive: true });
    mkdirSync(path.join(base, 'weekly/s/t'), { recursive: true });
    writeFileSync(path.join(base, 'weekly/s/t/part-00000.parquet'), 'earlier');
    const other = await otherProcess(['daily/s/orders', 'daily/s/customers', 'weekly/s/t']);
    try {
      await storage.prepare();
      await storage.beginRun({ runId: RUN, directory: '' });
      expect(await storage.sweep()).toBe(0);
      expect((await scratch.files()).filter((file) => file.endsWith('.tmp'))).toHaveLength(3);
    } finally {
      await other.kill();
    }
    expect((await scratch.files()).filter((file) => file.endsWith('.tmp'))).toHaveLength(3);
    expect(await storage.sweep()).toBe(3);
    expect(await storage.sweep()).toBe(0);
    await storage.endRun();
    expect(await scratch.files()).toEqual(['out/daily/', 'out/weekly/s/t/part-00000.parquet']);
  });

  it('end without a trace of what their threads have left', async () => {
    await storage.prepare();
    await storage.beginRun({ runId: RUN, directory: '' });
    const crashedThread = await openLocalStorage({ id: 'test', directory: base });
    await crashedThread.stage('s/crashed/part-00000.parquet', { runId: RUN });
    await storage.publish(await stage('s/good/part-00000.parquet'), 's/good/part-00000.parquet');
    await storage.put('s/good/_SUCCESS', new Uint8Array(0));
    await storage.endRun();
    expect(await scratch.files()).toEqual(['out/s/good/_SUCCESS', 'out/s/good/part-00000.parquet']);
  });

  it('refuse an id that a living run holds, and take it over from a dead one', async () => {
    const other = await otherProcess(['s/t']);
    const begin = () => storage.beginRun({ runId: OTHER_RUN, directory: '' });
    try {
      const error = await failure(begin());
      expect(error).toMatchObject({ code: 'RUN_IS_ACTIVE', exit: 'in-use' });
      expect(error.hint).toContain('--run-id');
    } finally {
      await other.kill();
    }
    await begin();
    await storage.endRun();
    expect(await scratch.files()).toEqual(['out/']);
  });

  describe('of other machines', () => {
    const marker = () => path.join(base, `.lakeport/run-${OTHER_RUN}.json`);
    const temporary = () => path.join(base, `s/t/.lakeport-${OTHER_RUN}-part-00000-abc.tmp`);
    const foreign = JSON.stringify({ pid: 1, host: 'elsewhere', started: '1' });

    beforeEach(async () => {
      mkdirSync(path.join(base, 's/t'), { recursive: true });
      writeFileSync(temporary(), 'x');
      await storage.beginRun({ runId: RUN, directory: '' });
    });

    it.each([
      ['is alive while its marker is fresh', foreign, 5, 0],
      ['is dead when its marker was silent for long', foreign, 11, 1],
      ['is alive while a marker that was cut short is fresh', '{"pid":', 5, 0],
      ['is dead when a marker that was cut short is old', '{"pid":', 11, 1],
    ])('one %s', async (_, line, minutes, removed) => {
      writeFileSync(marker(), `${line}\n{"directory":"s/t"}\n\n{"directory":"../../etc"}\n{"dire`);
      const age = new Date(Date.now() - minutes * 60_000);
      utimesSync(marker(), age, age);
      expect(await storage.sweep()).toBe(removed);
      await storage.endRun();
      expect((await scratch.files()).length).toBe(removed === 0 ? 2 : 1);
    });
  });

  it('change nothing once their claim is gone, however short ago it was proven', async () => {
    const target = 's/t/part-00000.parquet';
    await storage.prepare();
    await storage.beginRun({ runId: RUN, directory: '' });
    await storage.claim(['s/t']);
    await storage.put(target, Buffer.from('earlier'));
    const writer = await storage.stage(target, { runId: RUN });
    await writer.write([Buffer.from('x')]);
    const part = await writer.end();
    await storage.confirmClaim();
    const own = path.join(base, '.lakeport');
    for (const name of readdirSync(own).filter((one) => one.startsWith('claim-'))) {
      unlinkSync(path.join(own, name));
    }
    for (const change of [
      () => storage.publish(part, target),
      () => storage.put(target, Buffer.from('x')),
      () => storage.remove([target]),
    ]) {
      expect(await failure(change())).toMatchObject({ code: 'CLAIM_LOST', exit: 'in-use' });
    }
    expect(readFileSync(path.join(base, target), 'utf8')).toBe('earlier');
    await storage.endRun();
  });

  it('remove what they can of dead runs, and tell what they cannot', async () => {
    await storage.prepare();
    const dead = JSON.stringify({ ...(await currentProcess()), started: '1' });
    mkdirSync(path.join(base, '.lakeport'));
    const runs = ['33333333-3333-4333-8333-333333333333', '44444444-4444-4444-8444-444444444444'];
    for (const [index, runId] of runs.entries()) {
      mkdirSync(path.join(base, `s/t${index}`), { recursive: true });
      writeFileSync(path.join(base, `.lakeport/run-${runId}.json`), `${dead}\n{"directory":"s/t${index}"}\n`);
    }
    const stubborn = path.join(base, `s/t0/.lakeport-${runs[0]}-part-00000-abc.tmp`);
    mkdirSync(stubborn);
    writeFileSync(path.join(base, `s/t1/.lakeport-${runs[1]}-part-00000-abc.tmp`), 'x');
    await storage.beginRun({ runId: RUN, directory: '' });
    expect((await failure(storage.sweep())).context.detail).toMatch(/EISDIR|EPERM/);
    await storage.endRun();
    // The marker stays for a later run to try.
    expect(await scratch.files()).toEqual([
      `out/.lakeport/run-${runs[0]}.json`,
      `out/s/t0/${path.basename(stubborn)}/`,
      'out/s/t1/',
    ]);
  });

  it('take a process that got the pid of a dead one for what it is', async () => {
    await storage.prepare();
    await storage.beginRun({ runId: RUN, directory: '' });
    const own = readFileSync(path.join(base, `.lakeport/run-${RUN}.json`), 'utf8');
    const identity = JSON.parse(own.split('\n')[0]!) as Record<string, unknown>;
    const write = (runId: string, change: object) =>
      writeFileSync(path.join(base, `.lakeport/run-${runId}.json`), JSON.stringify({ ...identity, ...change }));
    write(OTHER_RUN, {});
    await storage.sweep();
    expect(await scratch.files()).toHaveLength(2);
    write(OTHER_RUN, { started: '1' });
    await storage.sweep();
    expect(await scratch.files()).toEqual([`out/.lakeport/run-${RUN}.json`]);
  });
});
