import { beforeEach, describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import type { RunObserver } from '../../../src/export/observer.js';
import type { TablePlan } from '../../../src/export/plan.js';
import type { TableResult } from '../../../src/export/result.js';
import { Run, type RunSettings } from '../../../src/export/run.js';
import type { SharedSnapshot } from '../../../src/export/shared-snapshot.js';
import type { SliceTask, StagedFile } from '../../../src/export/worker-messages.js';
import type { PoolListener, SliceEnd, SlicePool } from '../../../src/export/worker-pool.js';
import type { StagedPart } from '../../../src/storage/storage.js';
import { NO_SNAPSHOT, tablePlan } from '../../support/table-plans.js';

/**
 * A pool whose slices end when and how the test says: the order in which real readers end can't be chosen, and that
 * order is what is tested here.
 */
class ScriptedPool implements SlicePool {
  readonly running = new Map<string, { task: SliceTask; listener: PoolListener; settle: (end: SliceEnd) => void }>();
  readonly cancelled: string[] = [];
  readonly seen: string[] = [];

  run(task: SliceTask, listener: PoolListener): Promise<SliceEnd> {
    const key = `${task.what === 'schema' ? 'schema of ' : ''}${task.slice.query}`;
    this.seen.push(key);
    return new Promise((settle) => this.running.set(key, { task, listener, settle }));
  }

  cancel(tasks: readonly SliceTask[]): void {
    for (const [key, { task }] of this.running) {
      if (!tasks.includes(task)) continue;
      this.cancelled.push(key);
      void this.end(key, { ok: false, error: new LakeportError({ ...FAILURE, code: 'ABORTED' }), unconnected: false });
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async end(key: string, end: SliceEnd): Promise<void> {
    const { settle } = this.take(key);
    settle(end);
    await turn();
  }

  /** The slice is read and staged as one part, or as none. */
  async done(key: string, options: { rows?: number; files?: number } = {}): Promise<void> {
    const { rows = 1, files = 1 } = options;
    const { listener, settle } = this.take(key);
    const staged = Array.from({ length: files }, (_, i) => stagedFile(`${key} file ${i}`, rows));
    for (const { part } of staged) listener.onStaged(part);
    settle({ ok: true, outcome: { rows, bytes: 10, unrepresentable: {}, files: staged } });
    await turn();
  }

  fail(key: string, code = 'BROKEN'): Promise<void> {
    return this.end(key, { ok: false, error: new LakeportError({ ...FAILURE, code }), unconnected: false });
  }

  unconnected(key: string): Promise<void> {
    const error = new LakeportError({ ...FAILURE, code: 'NO_CONNECTION', exit: 'unreachable' });
    return this.end(key, { ok: false, error, unconnected: true });
  }

  private take(key: string) {
    const running = this.running.get(key);
    if (running === undefined) throw new Error(`${key} is not running, but ${[...this.running.keys()].join(', ')}`);
    this.running.delete(key);
    return running;
  }
}

const FAILURE = { exit: 'tables-failed', code: 'BROKEN', message: 'broken' } as const;

function stagedFile(name: string, rows: number): StagedFile {
  return { part: { storageId: 'test', path: name, bytes: 100, sha256: '', token: {} }, rows, rowGroups: [] };
}

/** Lets everything settle that can. */
async function turn(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

let pool: ScriptedPool;
let published: string[];
let withdrawn: string[];
let events: string[];
let abort: AbortController;

beforeEach(() => {
  pool = new ScriptedPool();
  published = [];
  withdrawn = [];
  events = [];
  abort = new AbortController();
});

const HELD: SharedSnapshot = {
  current: NO_SNAPSHOT,
  isHeld: () => Promise.resolve(true),
  renew: () => Promise.reject(new Error('there is no need')),
};

const observer: RunObserver = {
  message: (level, text) => events.push(`${level}: ${text}`),
  tableStarted: (table) => events.push(`started ${table.name}`),
  tableEnded: (result) => events.push(`${result.state} ${result.table.name}`),
  tableFailed: (table, error) => events.push(`failure ${table.name} ${error.code}`),
};

function start(tables: readonly TablePlan[], overrides: Partial<RunSettings> = {}): Promise<TableResult[]> {
  const run = new Run({
    tables,
    readers: 2,
    jobs: 2,
    errorAction: 'continue',
    pool,
    withdraw: (part: StagedPart) => {
      withdrawn.push(part.path);
      return Promise.resolve();
    },
    publish: (job) => {
      published.push(job.plan.id.name);
      return Promise.resolve([]);
    },
    snapshot: HELD,
    retry: { attempts: 3, firstMs: 0, factor: 1, longestMs: 0 },
    observer,
    signal: abort.signal,
    ...overrides,
  });
  return run.execute();
}

describe('a run', () => {
  it('reads all slices of all tables and publishes each table when its last slice is staged', async () => {
    const ending = start([tablePlan('a', { slices: 3, degree: 2 }), tablePlan('b')]);
    expect([...pool.running.keys()]).toEqual(['a 0', 'b 0']);
    await pool.done('a 0', { rows: 5 });
    await pool.done('a 1', { rows: 6, files: 2 });
    expect(published).toEqual([]);
    await pool.done('b 0');
    expect(published).toEqual(['b']);
    await pool.done('a 2', { rows: 7 });
    const [a, b] = await ending;
    expect(a).toMatchObject({ state: 'completed', rows: 18, files: 4, bytes: 400, path: 'out/public/a' });
    expect(b).toMatchObject({ state: 'completed', rows: 1, files: 1, bytes: 100 });
    expect(events).toEqual(['started a', 'started b', 'completed b', 'completed a']);
    expect(withdrawn).toEqual([]);
  });

  it('ends at once without tables', async () => {
    expect(await start([])).toEqual([]);
  });

  it('stages a file without rows for a table whose slices were all empty', async () => {
    const ending = start([tablePlan('a', { slices: 2, degree: 2 })]);
    await pool.done('a 0', { rows: 0, files: 0 });
    await pool.done('a 1', { rows: 0, files: 0 });
    expect(published).toEqual([]);
    expect(pool.running.get('schema of a 0')?.task.sole).toBe(true);
    await pool.done('schema of a 0', { rows: 0 });
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 0, files: 1 });
  });

  it('withdraws a table one of whose slices failed, ends its other readers, and goes on with the others', async () => {
    const ending = start([tablePlan('a', { slices: 5, degree: 2 }), tablePlan('b')], { jobs: 1 });
    await pool.done('a 0');
    await pool.fail('a 1', 'FIRST');
    expect(pool.cancelled).toEqual(['a 2']);
    await pool.done('b 0');
    const [a, b] = await ending;
    expect(a).toMatchObject({ state: 'failed', rows: 0, files: 0, bytes: 0, error: { code: 'FIRST' } });
    expect(b).toMatchObject({ state: 'completed' });
    expect(withdrawn).toEqual(['a 0 file 0']);
    expect(published).toEqual(['b']);
    expect(events.filter((event) => event.startsWith('failure'))).toEqual(['failure a FIRST']);
  });

  it('withdraws what a slice had staged before it failed', async () => {
    const ending = start([tablePlan('a')]);
    pool.running.get('a 0')!.listener.onStaged(stagedFile('half', 1).part);
    await pool.fail('a 0');
    await ending;
    expect(withdrawn).toEqual(['half']);
  });

  it('cancels the rest after a failure if it is told to', async () => {
    const ending = start([tablePlan('a'), tablePlan('b', { slices: 2 }), tablePlan('c')], { errorAction: 'fail' });
    await pool.fail('a 0');
    expect(pool.cancelled).toEqual(['b 0']);
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual(['failed', 'cancelled', 'cancelled']);
    expect(published).toEqual([]);
    expect(pool.seen).toEqual(['a 0', 'b 0']);
  });

  it('fails a table that could not be published', async () => {
    const publish = () => Promise.reject(new LakeportError({ ...FAILURE, code: 'DISK_FULL' }));
    const ending = start([tablePlan('a')], { publish });
    await pool.done('a 0');
    expect((await ending)[0]).toMatchObject({
      state: 'failed',
      files: 0,
      error: { code: 'DISK_FULL', context: { table: 'public.a' } },
    });
  });

  it('starts no table while too many wait to be published', async () => {
    const gates: (() => void)[] = [];
    const publish = () => new Promise<[]>((resolve) => gates.push(() => resolve([])));
    const tables = Array.from({ length: 200 }, (_, i) => tablePlan(`t${i}`));
    const ending = start(tables, { publish });
    for (let i = 0; i < 64; i++) await pool.done(`t${i} 0`);
    expect(pool.running.size).toBeLessThanOrEqual(2);
    for (const key of [...pool.running.keys()]) await pool.done(key);
    expect(pool.running.size).toBe(0);
    expect(gates).toHaveLength(32);
    for (;;) {
      for (const open of gates.splice(0)) open();
      await turn();
      for (const key of [...pool.running.keys()]) await pool.done(key);
      if (gates.length === 0) break;
    }
    expect((await ending).every((result) => result.state === 'completed')).toBe(true);
  });
});

describe('an interrupted run', () => {
  it('ends its readers, withdraws what is staged, and keeps what is published', async () => {
    const ending = start([tablePlan('a'), tablePlan('b', { slices: 2 }), tablePlan('c')]);
    await pool.done('a 0');
    await pool.done('b 0');
    abort.abort();
    await turn();
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual(['completed', 'cancelled', 'cancelled']);
    expect(published).toEqual(['a']);
    expect(withdrawn).toEqual(['b 0 file 0']);
    expect(pool.cancelled.sort()).toEqual(['b 1', 'c 0']);
    expect(results.every((result) => result.error === undefined)).toBe(true);
  });

  it('does not begin to publish any more, but finishes what it has begun', async () => {
    const tables = Array.from({ length: 33 }, (_, i) => tablePlan(`t${i}`));
    const gates: (() => void)[] = [];
    const ending = start(tables, { publish: () => new Promise((resolve) => gates.push(() => resolve([]))) });
    for (let i = 0; i < 33; i++) await pool.done(`t${i} 0`);
    expect(gates).toHaveLength(32);
    abort.abort();
    for (const gate of gates) gate();
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual([...Array<string>(32).fill('completed'), 'cancelled']);
    expect(withdrawn).toEqual(['t32 0 file 0']);
  });

  it('does nothing when it was interrupted before it began', async () => {
    abort.abort();
    const results = await start([tablePlan('a'), tablePlan('b')]);
    expect(results.map((result) => result.state)).toEqual(['cancelled', 'cancelled']);
    expect(pool.seen).toEqual([]);
  });
});

describe('a reader that cannot connect', () => {
  it('gives its slice to the others', async () => {
    const ending = start([tablePlan('a', { slices: 2, degree: 2 })]);
    await pool.unconnected('a 1');
    expect([...pool.running.keys()]).toEqual(['a 0']);
    expect(events.at(-1)).toMatch(/^warning: A reader could not connect, going on with 1/);
    await pool.done('a 0');
    await pool.done('a 1');
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 2 });
  });

  it('fails all tables that are not read yet, if it was the last one', async () => {
    const ending = start([tablePlan('a'), tablePlan('b', { slices: 3 }), tablePlan('c')]);
    await pool.done('a 0');
    await pool.unconnected('c 0');
    await pool.done('b 0');
    await pool.unconnected('b 1');
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual(['completed', 'failed', 'failed']);
    expect(results[1]?.error).toMatchObject({ code: 'NO_CONNECTION', exit: 'unreachable' });
    expect(withdrawn).toEqual(['b 0 file 0']);
    expect(events).toContain('failure c NO_CONNECTION');
  });
});
