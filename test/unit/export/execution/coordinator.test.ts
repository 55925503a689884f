import { beforeEach, describe, expect, it } from 'vitest';

import { type ErrorCode, LakeportError } from '../../../../src/errors.js';
import type { RunObserver } from '../../../../src/export/model/observer.js';
import type { RunPlan, TablePlan } from '../../../../src/export/model/plan.js';
import type { TableResult } from '../../../../src/export/model/result.js';
import { ExportCoordinator, type CoordinatorOptions } from '../../../../src/export/execution/coordinator.js';
import type { RetryPolicy } from '../../../../src/runtime/retry.js';
import type { Renewal, SharedSnapshot } from '../../../../src/export/execution/shared-snapshot.js';
import type { RecoveredSlices } from '../../../../src/export/model/recovered-slices.js';
import { tableKey, type TableId } from '../../../../src/model/table.js';
import type { StagedFile } from '../../../../src/export/model/slice-outcome.js';
import type { SliceTask } from '../../../../src/export/worker/protocol.js';
import type { PoolListener, SliceEnd, SlicePool } from '../../../../src/export/worker/slice-pool.js';
import type { Snapshot } from '../../../../src/sources/source.js';
import type { StagedPart } from '../../../../src/storage/storage.js';
import { NO_SNAPSHOT, tablePlan } from '../../../harness/table-plans.js';

/**
 * A pool whose slices end when and how the test says: the order in which real readers end can't be chosen, and that
 * order is what is tested here.
 */
class ScriptedPool implements SlicePool {
  readonly running = new Map<string, { task: SliceTask; listener: PoolListener; settle: (end: SliceEnd) => void }>();
  readonly cancelled: string[] = [];
  readonly seen: string[] = [];

  run(task: SliceTask, listener: PoolListener): Promise<SliceEnd> {
    const key = `${task.mode === 'schema' ? 'schema of ' : ''}${task.slice.query}`;
    this.seen.push(key);
    return new Promise((settle) => this.running.set(key, { task, listener, settle }));
  }

  cancel(tasks: readonly SliceTask[]): void {
    for (const [key, { task }] of this.running) {
      if (!tasks.includes(task)) continue;
      this.cancelled.push(key);
      void this.end(key, {
        ok: false,
        error: new LakeportError({ ...FAILURE, code: 'INTERRUPTED' }),
        unconnected: false,
      });
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

  fail(key: string, code: ErrorCode = 'DISK_ERROR'): Promise<void> {
    return this.end(key, { ok: false, error: new LakeportError({ ...FAILURE, code }), unconnected: false });
  }

  /** Fails with a transient error. */
  async lose(key: string): Promise<void> {
    const error = new LakeportError({ ...FAILURE, code: 'SOURCE_CONNECTION_LOST', transient: true });
    await this.end(key, { ok: false, error, unconnected: false });
    await delays();
  }

  unconnected(key: string): Promise<void> {
    const error = new LakeportError({ ...FAILURE, code: 'SOURCE_REFUSED' });
    return this.end(key, { ok: false, error, unconnected: true });
  }

  private take(key: string) {
    const running = this.running.get(key);
    if (running === undefined) throw new Error(`${key} is not running, but ${[...this.running.keys()].join(', ')}`);
    this.running.delete(key);
    return running;
  }
}

/** Waits longer than any test. */
const SLOW_RETRY: RetryPolicy = { attempts: 5, firstMs: 1_000_000, factor: 1, longestMs: 1_000_000 };

const FAILURE = { code: 'DISK_ERROR', message: 'broken' } as const;

function stagedFile(name: string, rows: number): StagedFile {
  return { part: { storageId: 'test', path: name, bytes: 100, sha256: '', token: {} }, rows, rowGroups: [] };
}

/** Lets everything settle that can. */
async function turn(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Lets waits of no time pass. */
async function delays(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 10));
  await turn();
}

let pool: ScriptedPool;
let published: string[];
let discarded: string[];
let events: string[];
let abort: AbortController;

beforeEach(() => {
  pool = new ScriptedPool();
  published = [];
  discarded = [];
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

function start(tables: readonly TablePlan[], overrides: Partial<CoordinatorOptions> = {}): Promise<TableResult[]> {
  const run = new ExportCoordinator({
    tables,
    readers: 2,
    jobs: 2,
    errorAction: 'continue',
    pool,
    discard: (part: StagedPart) => {
      discarded.push(part.path);
      return Promise.resolve();
    },
    publish: (table) => {
      published.push(table.plan.id.name);
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
  it('a run reads all slices and publishes each table when its last slice is staged', async () => {
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
    expect(discarded).toEqual([]);
  });

  it('a run hands out slices until they weigh as much as the pool takes', async () => {
    Object.assign(pool, {
      watchCapacity: () => 2,
      weightOf: (bytes: number | undefined) => (bytes === undefined ? 1 : 0.25),
    } satisfies Partial<SlicePool>);
    const small = ['s1', 's2', 's3', 's4', 's5', 's6'].map((name) => ({ ...tablePlan(name), estimatedBytes: 10 }));
    const ending = start([tablePlan('large', { slices: 2, degree: 2 }), ...small], { jobs: 1 });
    expect(pool.seen).toEqual(['large 0', 's1 0', 's2 0', 's3 0', 's4 0']);
    await pool.done('s1 0');
    expect(pool.seen.at(-1)).toBe('s5 0');
    await pool.done('large 0');
    expect(pool.seen.slice(6)).toEqual(['large 1']);
    for (const key of ['s2 0', 's3 0', 's4 0', 's5 0', 's6 0', 'large 1']) await pool.done(key);
    expect((await ending).every(({ state }) => state === 'completed')).toBe(true);
  });

  it('a run without tables ends at once', async () => {
    expect(await start([])).toEqual([]);
  });

  it('a table whose slices are all empty gets one file without rows', async () => {
    const ending = start([tablePlan('a', { slices: 2, degree: 2 })]);
    await pool.done('a 0', { rows: 0, files: 0 });
    await pool.done('a 1', { rows: 0, files: 0 });
    expect(published).toEqual([]);
    expect(pool.running.get('schema of a 0')?.task.isOnlySlice).toBe(true);
    await pool.done('schema of a 0', { rows: 0 });
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 0, files: 1 });
  });

  it('a failed slice discards its table, stops its readers, and leaves the other tables alone', async () => {
    const ending = start([tablePlan('a', { slices: 5, degree: 2 }), tablePlan('b')], { jobs: 1 });
    await pool.done('a 0');
    await pool.fail('a 1', 'TABLE_DAMAGED');
    expect(pool.cancelled).toEqual(['a 2']);
    await pool.done('b 0');
    const [a, b] = await ending;
    expect(a).toMatchObject({ state: 'failed', rows: 0, files: 0, bytes: 0, error: { code: 'TABLE_DAMAGED' } });
    expect(b).toMatchObject({ state: 'completed' });
    expect(discarded).toEqual(['a 0 file 0']);
    expect(published).toEqual(['b']);
    expect(events.filter((event) => event.startsWith('failure'))).toEqual(['failure a TABLE_DAMAGED']);
  });

  it('what a slice staged before it failed is discarded', async () => {
    const ending = start([tablePlan('a')]);
    pool.running.get('a 0')!.listener.onStaged(stagedFile('half', 1).part);
    await pool.fail('a 0');
    await ending;
    expect(discarded).toEqual(['half']);
  });

  it('a failure cancels the rest of the run if requested', async () => {
    const ending = start([tablePlan('a'), tablePlan('b', { slices: 2 }), tablePlan('c')], { errorAction: 'fail' });
    await pool.fail('a 0');
    expect(pool.cancelled).toEqual(['b 0']);
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual(['failed', 'cancelled', 'cancelled']);
    expect(published).toEqual([]);
    expect(pool.seen).toEqual(['a 0', 'b 0']);
  });

  it('a table that cannot be published fails', async () => {
    const publish = () => Promise.reject(new LakeportError({ ...FAILURE, code: 'DISK_FULL' }));
    const ending = start([tablePlan('a')], { publish });
    await pool.done('a 0');
    expect((await ending)[0]).toMatchObject({
      state: 'failed',
      files: 0,
      error: { code: 'DISK_FULL', context: { table: 'public.a' } },
    });
  });

  it('no table starts once too many wait to be published, until few do', async () => {
    const gates: (() => void)[] = [];
    const publish = () => new Promise<[]>((resolve) => gates.push(() => resolve([])));
    const tables = Array.from({ length: 400 }, (_, i) => tablePlan(`t${i}`));
    const ending = start(tables, { publish });
    for (let i = 0; i < 256; i++) await pool.done(`t${i} 0`);
    expect(pool.running.size).toBeLessThanOrEqual(2);
    for (const key of [...pool.running.keys()]) await pool.done(key);
    expect(pool.running.size).toBe(0);
    expect(gates).toHaveLength(32);
    for (let left = 257; left > 160; left -= 32) {
      for (const open of gates.splice(0)) open();
      await turn();
      expect(pool.running.size).toBe(0);
    }
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
  it('an interrupted run stops its readers, discards what is staged, and keeps what is published', async () => {
    const ending = start([tablePlan('a'), tablePlan('b', { slices: 2 }), tablePlan('c')]);
    await pool.done('a 0');
    await pool.done('b 0');
    abort.abort();
    await turn();
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual(['completed', 'cancelled', 'cancelled']);
    expect(published).toEqual(['a']);
    expect(discarded).toEqual(['b 0 file 0']);
    expect(pool.cancelled.sort()).toEqual(['b 1', 'c 0']);
    expect(results.every((result) => result.error === undefined)).toBe(true);
  });

  it('an interrupted run starts no publishing, but finishes publishing in progress', async () => {
    const tables = Array.from({ length: 33 }, (_, i) => tablePlan(`t${i}`));
    const gates: (() => void)[] = [];
    const ending = start(tables, { publish: () => new Promise((resolve) => gates.push(() => resolve([]))) });
    for (let i = 0; i < 33; i++) await pool.done(`t${i} 0`);
    expect(gates).toHaveLength(32);
    abort.abort();
    for (const gate of gates) gate();
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual([...Array<string>(32).fill('completed'), 'cancelled']);
    expect(discarded).toEqual(['t32 0 file 0']);
  });

  it('a run interrupted before its start does nothing', async () => {
    abort.abort();
    const results = await start([tablePlan('a'), tablePlan('b')]);
    expect(results.map((result) => result.state)).toEqual(['cancelled', 'cancelled']);
    expect(pool.seen).toEqual([]);
  });
});

describe('a reader that cannot connect', () => {
  it('the slice of a reader that cannot connect goes to the others', async () => {
    const ending = start([tablePlan('a', { slices: 2, degree: 2 })]);
    await pool.unconnected('a 1');
    expect([...pool.running.keys()]).toEqual(['a 0']);
    expect(events.at(-1)).toMatch(/^warning: A reader could not connect, continuing with 1/);
    await pool.done('a 0');
    await pool.done('a 1');
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 2 });
  });

  it('losing the last reader fails all tables not read yet', async () => {
    const ending = start([tablePlan('a'), tablePlan('b', { slices: 3 }), tablePlan('c')]);
    await pool.done('a 0');
    await pool.unconnected('c 0');
    await pool.done('b 0');
    await pool.unconnected('b 1');
    const results = await ending;
    expect(results.map((result) => result.state)).toEqual(['completed', 'failed', 'failed']);
    expect(results[1]?.error).toMatchObject({ code: 'SOURCE_REFUSED', exit: 'unreachable' });
    expect(discarded).toEqual(['b 0 file 0']);
    expect(events).toContain('failure c SOURCE_REFUSED');
  });
});

describe('a slice with a transient error', () => {
  it('a slice with a transient error is read again, and what it had staged is discarded', async () => {
    const ending = start([tablePlan('a', { slices: 2 })]);
    pool.running.get('a 0')!.listener.onStaged(stagedFile('half', 1).part);
    await pool.lose('a 0');
    expect(discarded).toEqual(['half']);
    expect(events.at(-1)).toMatch(/^warning: public\.a, slice 0: broken; attempt 2 of 3 in 0\.0 s$/);
    await pool.done('a 1', { rows: 2 });
    await pool.done('a 0', { rows: 3 });
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 5, files: 2, attempts: 2 });
    expect(pool.seen).toEqual(['a 0', 'a 1', 'a 0']);
  });

  it('a slice that is given back is read again without counting, and what it had staged is discarded', async () => {
    const ending = start([tablePlan('a', { slices: 2 })]);
    pool.running.get('a 0')!.listener.onStaged(stagedFile('half', 1).part);
    await pool.end('a 0', {
      ok: false,
      givenBack: true,
      error: new LakeportError({ ...FAILURE, code: 'READER_DIED' }),
    });
    expect(discarded).toEqual(['half']);
    expect(events).toContain('warning: public.a, slice 0: broken; the slice is read again');
    await pool.done('a 0', { rows: 3 });
    await pool.done('a 1', { rows: 2 });
    const [result] = await ending;
    expect(result).toMatchObject({ state: 'completed', rows: 5, files: 2 });
    expect(result).not.toHaveProperty('attempts');
  });

  it('a slice that backs off frees its reader', async () => {
    const ending = start([tablePlan('a'), tablePlan('b')], { readers: 1, retry: SLOW_RETRY });
    await pool.lose('a 0');
    expect([...pool.running.keys()]).toEqual(['b 0']);
    await pool.done('b 0');
    abort.abort();
    expect((await ending).map((result) => result.state)).toEqual(['cancelled', 'completed']);
  });

  it('a table fails when the attempts of one slice are exhausted', async () => {
    const ending = start([tablePlan('a', { slices: 2 })]);
    await pool.lose('a 0');
    await pool.lose('a 1');
    await pool.lose('a 0');
    await pool.lose('a 1');
    await pool.lose('a 0');
    expect((await ending)[0]).toMatchObject({ state: 'failed', error: { code: 'SOURCE_CONNECTION_LOST' } });
    expect(pool.seen.filter((key) => key === 'a 0')).toHaveLength(3);
  });

  it('a slice with a permanent error is not retried', async () => {
    const ending = start([tablePlan('a')]);
    await pool.fail('a 0');
    expect((await ending)[0]).toMatchObject({ state: 'failed' });
    expect(pool.seen).toEqual(['a 0']);
  });

  it('staging the file of a table without rows is retried', async () => {
    const ending = start([tablePlan('a')]);
    await pool.done('a 0', { rows: 0, files: 0 });
    await pool.lose('schema of a 0');
    await pool.done('schema of a 0', { rows: 0 });
    expect((await ending)[0]).toMatchObject({ state: 'completed', files: 1 });
  });

  it('an interrupt ends the wait before a retry', async () => {
    const ending = start([tablePlan('a', { slices: 2 })], { readers: 1, retry: SLOW_RETRY });
    await pool.done('a 0');
    await pool.lose('a 1');
    abort.abort();
    expect((await ending)[0]).toMatchObject({ state: 'cancelled' });
    expect(discarded).toEqual(['a 0 file 0']);
  });

  it('each attempt of a slice is reported to the observer', async () => {
    const told: string[] = [];
    const ending = start([tablePlan('a')], {
      observer: {
        sliceStarted: (_, slice) => told.push(`started ${slice}`),
        sliceFailed: (_, slice, { error, final }) => told.push(`failed ${slice} ${error.code} ${final}`),
        sliceStaged: (_, slice, { rows }) => told.push(`staged ${slice} ${rows}`),
        tablePublished: (table, files) => told.push(`published ${table.name} ${files.length}`),
      },
    });
    await pool.lose('a 0');
    await pool.done('a 0', { rows: 7 });
    await ending;
    expect(told).toEqual([
      'started 0',
      'failed 0 SOURCE_CONNECTION_LOST false',
      'started 0',
      'staged 0 7',
      'published a 0',
    ]);
  });
});

describe('a reader that temporarily cannot connect', () => {
  it('a reader retries its connection for the same slice', async () => {
    const ending = start([tablePlan('a')], { readers: 1 });
    const error = new LakeportError({ ...FAILURE, code: 'NO_FREE_CONNECTIONS', transient: true });
    for (let attempt = 1; attempt <= 2; attempt++) {
      await pool.end('a 0', { ok: false, error, unconnected: true });
      await delays();
    }
    await pool.done('a 0');
    expect((await ending)[0]).toMatchObject({ state: 'completed' });
    expect(events.filter((event) => event.startsWith('warning'))).toHaveLength(2);
  });

  it('a reader is given up when its retries are exhausted', async () => {
    const ending = start([tablePlan('a')], { readers: 1 });
    const error = new LakeportError({ ...FAILURE, code: 'NO_FREE_CONNECTIONS', transient: true });
    for (let attempt = 1; attempt <= 3; attempt++) {
      await pool.end('a 0', { ok: false, error, unconnected: true });
      await delays();
    }
    expect((await ending)[0]).toMatchObject({ state: 'failed', error: { code: 'NO_FREE_CONNECTIONS' } });
  });
});

describe('a run that loses its snapshot', () => {
  /** The first snapshot is lost when the test says so; each renewal gives slices of another generation. */
  class LostSnapshot implements SharedSnapshot {
    current: Snapshot = { ...NO_SNAPSHOT, consistency: 'run', token: 'first' };
    isLost = false;
    readonly asked: string[][] = [];
    gone = new Set<string>();
    isHeld = () => Promise.resolve(!this.isLost);

    renew(tables: readonly TableId[]): Promise<Renewal> {
      this.asked.push(tables.map(({ name }) => name));
      this.isLost = false;
      this.current = { ...this.current, token: `after ${this.asked.length}` };
      const left = tables.filter(({ name }) => !this.gone.has(name));
      const plans = left.map(({ name }): TablePlan => {
        const plan = tablePlan(name, { slices: 2 });
        const slices = plan.slices.map((slice) => ({ ...slice, query: `${slice.query} ${this.current.token}` }));
        return { ...plan, slices, snapshot: this.current, consistency: 'table' };
      });
      const plan = { tables: plans, problems: [] } as unknown as RunPlan;
      return Promise.resolve({
        plan,
        tables: new Map(plans.map((table) => [tableKey(table.id), table])),
        problems: new Map(),
      });
    }
  }

  let snapshot: LostSnapshot;
  beforeEach(() => (snapshot = new LostSnapshot()));

  it('a lost snapshot restarts all incomplete tables and stops their readers', async () => {
    const tables = [tablePlan('a', { slices: 3 }), tablePlan('b'), tablePlan('c'), tablePlan('d')];
    const ending = start(tables, { snapshot, readers: 3, jobs: 3 });
    await pool.done('a 0');
    await pool.done('c 0', { rows: 7 });
    expect([...pool.running.keys()]).toEqual(['b 0', 'a 1', 'd 0']);
    snapshot.isLost = true;
    await pool.lose('a 1');
    expect(snapshot.asked).toEqual([['a', 'b', 'd']]);
    expect(pool.cancelled).toEqual(['b 0', 'd 0']);
    expect(discarded).toEqual(['a 0 file 0']);
    for (const key of ['a 0', 'a 1', 'b 0', 'b 1', 'd 0', 'd 1']) await pool.done(`${key} after 1`, { rows: 2 });
    expect((await ending).map(({ state, rows, consistency }) => [state, rows, consistency])).toEqual([
      ['completed', 4, 'table'],
      ['completed', 4, 'table'],
      ['completed', 7, undefined],
      ['completed', 4, 'table'],
    ]);
  });

  it('a slice that finishes after the snapshot was lost does not count', async () => {
    const staged: string[] = [];
    const ending = start([tablePlan('a')], {
      snapshot,
      observer: { ...observer, sliceStaged: (_, slice, { rows }) => staged.push(`${slice}: ${rows}`) },
    });
    snapshot.isLost = true;
    await pool.done('a 0', { rows: 0 });
    expect(discarded).toEqual(['a 0 file 0']);
    expect(published).toEqual([]);
    await pool.done('a 0 after 1', { rows: 3 });
    await pool.done('a 1 after 1', { rows: 4 });
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 7, consistency: 'table' });
    expect(staged).toEqual(['0: 3', '1: 4']);
  });

  it('a loss reported by the source is answered with a new snapshot at once', async () => {
    let tell: () => void = () => undefined;
    const telling = Object.assign(snapshot, { onLost: (listener: () => void) => (tell = listener) });
    const ending = start([tablePlan('a')], { snapshot: telling });
    snapshot.isLost = true;
    tell();
    await delays();
    expect(pool.cancelled).toEqual(['a 0']);
    await pool.done('a 0 after 1');
    await pool.done('a 1 after 1');
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 2 });
    tell();
    await delays();
    expect(snapshot.asked).toHaveLength(1);
  });

  it('what ends while the snapshot is taken over counts, and nothing starts until then', async () => {
    const MOMENT: Snapshot = { ...NO_SNAPSHOT, consistency: 'run', token: 'first', moment: 'moment' };
    let take: (isHeld: boolean) => void = () => undefined;
    let tell: () => void = () => undefined;
    const held = {
      ...HELD,
      current: MOMENT,
      isTakingOver: false,
      isHeld: () => Promise.resolve(true),
      onLost: (listener: () => void) => (tell = listener),
    };
    const ending = start([tablePlan('a', { slices: 4, degree: 2 })], { readers: 2, snapshot: held });
    held.isTakingOver = true;
    const taking = new Promise<boolean>((resolve) => (take = resolve));
    held.isHeld = () => taking;
    tell();
    await pool.done('a 0');
    // It could not join the session that is gone.
    const gone = new LakeportError({ ...FAILURE, code: 'SNAPSHOT_NOT_FOUND' });
    await pool.end('a 1', { ok: false, error: gone, unconnected: true });
    expect([...pool.running.keys()]).toEqual([]);
    held.current = { ...MOMENT, token: 'second' };
    held.isTakingOver = false;
    take(true);
    await delays();
    expect([...pool.running.keys()]).toEqual(['a 1', 'a 2']);
    expect([...pool.running.values()].map(({ task }) => task.snapshot.token)).toEqual(['second', 'second']);
    for (const key of ['a 1', 'a 2', 'a 3']) await pool.done(key);
    const [result] = await ending;
    expect(result).toMatchObject({ state: 'completed', rows: 4 });
    // None failed that would count.
    expect(result?.attempts).toBeUndefined();
    expect(discarded).toEqual([]);
  });

  it('a reader continues while its slice is being confirmed, and the table is published only afterwards', async () => {
    const answers: (() => void)[] = [];
    const isHeld = () => new Promise<boolean>((resolve) => answers.push(() => resolve(true)));
    const tables = ['a', 'b', 'c'].map((name) => tablePlan(name));
    const ending = start(tables, { snapshot: { ...HELD, isHeld }, readers: 1, jobs: 1 });
    for (const name of ['a', 'b', 'c']) await pool.done(`${name} 0`);
    expect(published).toEqual([]);
    for (const answer of answers) answer();
    expect((await ending).map(({ state }) => state)).toEqual(['completed', 'completed', 'completed']);
    expect(published).toEqual(['a', 'b', 'c']);
  });

  it('an interrupted run does not wait for a confirmation', async () => {
    const snapshot = { ...HELD, isHeld: () => new Promise<boolean>(() => undefined) };
    const ending = start([tablePlan('a')], { snapshot });
    await pool.done('a 0');
    abort.abort();
    expect((await ending)[0]).toMatchObject({ state: 'cancelled' });
    expect(discarded).toEqual(['a 0 file 0']);
  });

  it('a table restarts only after all its readers have stopped', async () => {
    const ending = start([tablePlan('a', { slices: 3, degree: 2 })], { snapshot });
    snapshot.isLost = true;
    await pool.lose('a 0');
    expect(pool.cancelled).toEqual(['a 1']);
    await pool.done('a 0 after 1');
    await pool.done('a 1 after 1');
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 2, attempts: 2 });
  });

  it('after its last restart, a table continues with rows from another snapshot, and a warning says so', async () => {
    const ending = start([tablePlan('a', { slices: 2 })], { readers: 1, snapshot });
    for (const generation of ['', ' after 1']) {
      await pool.done(`a 0${generation}`);
      snapshot.isLost = true;
      await pool.lose(`a 1${generation}`);
    }
    await pool.done('a 0 after 2', { rows: 4 });
    snapshot.isLost = true;
    await pool.lose('a 1 after 2');
    expect(events.at(-1)).toMatch(/^warning: public\.a continues with rows from another snapshot/);
    await pool.done('a 1 after 2', { rows: 5 });
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 9, consistency: 'none' });
  });

  it('only a table that no longer exists fails in a new snapshot', async () => {
    const ending = start([tablePlan('a', { slices: 2 }), tablePlan('b')], { readers: 1, snapshot });
    snapshot.gone.add('b');
    snapshot.isLost = true;
    await pool.lose('a 0');
    await pool.done('a 0 after 1');
    await pool.done('a 1 after 1');
    const [a, b] = await ending;
    expect(a).toMatchObject({ state: 'completed' });
    expect(b).toMatchObject({ state: 'failed', error: { code: 'TABLE_CHANGED' } });
  });

  it('without another snapshot, unread tables fail and staged ones are published', async () => {
    const lost = new LakeportError({ ...FAILURE, code: 'SNAPSHOT_LOST', exit: 'unreachable' });
    let isHeld = true;
    const ending = start([tablePlan('a', { slices: 2 }), tablePlan('b')], {
      snapshot: { current: NO_SNAPSHOT, isHeld: () => Promise.resolve(isHeld), renew: () => Promise.reject(lost) },
    });
    await pool.done('b 0');
    isHeld = false;
    await pool.done('a 0', { rows: 0 });
    expect((await ending).map(({ state, error }) => [state, error?.code])).toEqual([
      ['failed', 'SNAPSHOT_LOST'],
      ['completed', undefined],
    ]);
  });
});

describe('a resumed run', () => {
  const before = (name: string, slices: readonly number[], published = false): Map<string, RecoveredSlices> => {
    const outcomes = new Map(
      slices.map((index) => [
        index,
        { rows: 10, bytes: 0, unrepresentable: {}, files: [stagedFile(`${name} ${index} before`, 10)] },
      ]),
    );
    const parts = [...outcomes.values()].flatMap(({ files }) => files.map(({ part }) => part));
    return new Map([[tableKey({ schema: 'public', name }), { outcomes, published: new Set(published ? parts : []) }]]);
  };

  it('a resumed run reads only slices not yet staged', async () => {
    const ending = start([tablePlan('a', { slices: 3 })], { recovered: before('a', [0, 2]) });
    expect([...pool.running.keys()]).toEqual(['a 1']);
    await pool.done('a 1', { rows: 1 });
    expect((await ending)[0]).toMatchObject({ state: 'completed', rows: 21, files: 3 });
  });

  it('a resumed run publishes fully staged tables at once', async () => {
    const ending = start([tablePlan('a', { slices: 2 }), tablePlan('b')], { recovered: before('a', [0, 1]) });
    await turn();
    expect(published).toEqual(['a']);
    await pool.done('b 0');
    expect((await ending).map(({ rows }) => rows)).toEqual([20, 1]);
    expect(pool.seen).toEqual(['b 0']);
  });

  it('a failing table of a resumed run discards staged files, but not published ones', async () => {
    const failing = { publish: () => Promise.reject(new Error('no')) };
    await start([tablePlan('a', { slices: 2 })], { recovered: before('a', [0, 1], true), ...failing });
    const ending = start([tablePlan('b', { slices: 2 })], { recovered: before('b', [0]) });
    await pool.fail('b 1');
    await ending;
    expect(discarded).toEqual(['b 0 before']);
  });
});
