import { afterEach, describe, expect, it } from 'vitest';

import type { SliceTask, WorkerSetup } from '../../../../src/export/worker/protocol.js';
import type { PoolListener, SliceEnd } from '../../../../src/export/worker/slice-pool.js';
import { WorkerPool, type WorkerPoolOptions } from '../../../../src/export/worker/worker-pool.js';
import { NO_SNAPSHOT, tablePlan } from '../../../harness/table-plans.js';

/**
 * A real thread whose tasks say by their table's name what it does. Every answer tells the thread's id and how
 * many tasks its worker has had.
 */
const THREAD = `
  import { parentPort, threadId, workerData } from 'node:worker_threads';
  const workers = new Map();
  parentPort.on('message', async ({ worker, message: { type, id, task } }) => {
    const mine = workers.get(worker) ?? { tasks: 0, connected: 0, cancelled: new Set() };
    workers.set(worker, mine);
    const answer = (message) => parentPort.postMessage({ worker, message });
    if (type === 'close') {
      if (workerData.runId === 'stubborn' || mine.isDeaf) return setInterval(() => {}, 1000);
      workers.delete(worker);
      answer({ type: 'closed' });
      if (workerData.runId === 'lingering') setInterval(() => {}, 1000);
      else if (workers.size === 0) parentPort.close();
      return;
    }
    if (type === 'connect') return mine.connected++;
    if (type === 'cancel') return mine.cancelled.add(id);
    const part = { storageId: 'test', path: 'staged', bytes: 1, sha256: '', token: {} };
    const outcome = { rows: ++mine.tasks, bytes: threadId, unrepresentable: { connected: mine.connected }, files: [] };
    switch (task.dataset.id.name) {
      case 'exit': answer({ type: 'staged', id, part }); return setImmediate(() => process.exit(7));
      case 'throw': return setImmediate(() => { throw new Error('out of the blue'); });
      case 'reject': return Promise.reject(new Error('nobody cares'));
      case 'memory': { const hog = []; for (;;) hog.push(new Array(1e5).fill(Math.random())); }
      case 'deaf': mine.isDeaf = true; return;
      case 'unconnected':
      case 'fail': {
        const error = { code: 'BROKEN', exit: 'tables-failed', message: 'broken', hint: 'mend it' };
        return answer({ type: 'failed', id, failure: { error, unconnected: task.dataset.id.name !== 'fail' } });
      }
      case 'slow': while (!mine.cancelled.has(id)) await new Promise((resolve) => setTimeout(resolve, 5));
        return answer({ type: 'failed', id, failure: { error: { code: 'CANCELLED', exit: 'interrupted', message: '' }, unconnected: false } });
      default:
        answer({ type: 'progress', id: id + 1, rows: -1, bytes: -1 });
        answer({ type: 'progress', id, rows: 5, bytes: 6 });
        answer({ type: 'staged', id, part });
        answer({ type: 'done', id, outcome });
    }
  });`;

const entry = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);
let pool: WorkerPool;

interface PoolSetting extends Pick<WorkerPoolOptions, 'workersPerThread' | 'load'> {
  readonly runId?: string;
  readonly graceMs?: number;
}

function open({ runId = 'run', graceMs = 5000, ...options }: PoolSetting = {}): void {
  // The thread above looks at nothing but the run's id.
  const setup = { runId } as WorkerSetup;
  pool = new WorkerPool(setup, { ...options, entry, graceMs: () => graceMs });
}

afterEach(() => pool.close());

function task(name: string): SliceTask {
  const { dataset, columns, slices, storageId, directory } = tablePlan(name);
  return {
    dataset,
    columns,
    slice: slices[0]!,
    snapshot: NO_SNAPSHOT,
    storageId,
    directory,
    mode: 'rows',
    isOnlySlice: true,
  };
}

const silent: PoolListener = { onProgress: () => undefined, onStaged: () => undefined };
const run = (name: string | SliceTask) => pool.run(typeof name === 'string' ? task(name) : name, silent);

function thread(end: SliceEnd): number {
  if (!end.ok) throw end.error ?? new Error('given back');
  return end.outcome.bytes;
}

/** Whether it is still being read after a while. */
async function isOpen(reading: Promise<SliceEnd>): Promise<boolean> {
  return (await Promise.race([reading, new Promise((resolve) => setTimeout(() => resolve('open'), 50))])) === 'open';
}

describe('the pool of workers', () => {
  it("reports only the task's own progress and staged files", async () => {
    open();
    const heard: unknown[] = [];
    const end = await pool.run(task('a'), {
      onProgress: ({ rows, bytes }) => heard.push([rows, bytes]),
      onStaged: (part) => heard.push(part.path),
    });
    expect(end).toMatchObject({ ok: true, outcome: { rows: 1 } });
    expect(heard).toEqual([[5, 6], 'staged']);
  });

  it('starts a thread only if none is free, and keeps it', async () => {
    open();
    const first = thread(await run('a'));
    expect(thread(await run('b'))).toBe(first);
    const [one, two] = await Promise.all([run('a'), run('b')]);
    expect(thread(one)).not.toBe(thread(two));
    expect([thread(one), thread(two)]).toContain(first);
  });

  it('connects threads ahead of their tasks, as many as it is told to', async () => {
    open();
    pool.connect(2, NO_SNAPSHOT);
    pool.connect(2, NO_SNAPSHOT);
    const ends = await Promise.all(['a', 'b', 'c'].map(run));
    const connected = ends.map((end) => (end.ok ? end.outcome.unrepresentable['connected'] : undefined));
    expect(connected.toSorted()).toEqual([0, 1, 1]);
    expect(new Set(ends.map(thread)).size).toBe(3);
  });

  it('prefers the thread that has already read the table', async () => {
    open();
    const a = task('a');
    const b = task('b');
    const [one, two] = await Promise.all([run(a), run(b)]);
    expect(thread(await run(a))).toBe(thread(one));
    expect(thread(await run(b))).toBe(thread(two));
    expect(thread(await run(a))).toBe(thread(one));
  });

  it('returns failures unchanged, and reuses the thread', async () => {
    open();
    const first = thread(await run('a'));
    const failed = await run('fail');
    expect(failed).toMatchObject({ ok: false, unconnected: false, error: { code: 'BROKEN', hint: 'mend it' } });
    expect(thread(await run('a'))).toBe(first);
  });

  it('does not reuse a thread that could not connect', async () => {
    open();
    const first = thread(await run('a'));
    expect(await run('unconnected')).toMatchObject({ ok: false, unconnected: true });
    expect(thread(await run('a'))).not.toBe(first);
  });

  it.each([
    ['exits', 'exit', 'READER_DIED', /ended unexpectedly$/],
    ['throws', 'throw', 'READER_DIED', /ended unexpectedly: out of the blue/],
    ['leaves a rejection alone', 'reject', 'READER_DIED', /ended unexpectedly: nobody cares/],
  ])('fails the task of a thread that %s, and replaces it', async (_, name, code, message) => {
    open();
    const staged: string[] = [];
    const end = await pool.run(task(name), { ...silent, onStaged: (part) => staged.push(part.path) });
    expect(end).toMatchObject({ ok: false, unconnected: false, error: { code, exit: 'tables-failed' } });
    expect(!end.ok && end.error?.message).toMatch(message);
    expect(staged).toEqual(name === 'exit' ? ['staged'] : []);
    expect(await run('a')).toMatchObject({ ok: true, outcome: { rows: 1 } });
  });

  it('cancels only the given tasks', async () => {
    open();
    const slow = task('slow');
    const ending = run(slow);
    const other = task('slow');
    const otherEnding = run(other);
    pool.cancel([slow]);
    expect(await ending).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
    expect(await isOpen(otherEnding)).toBe(true);
    pool.cancel([other]);
    await otherEnding;
  });

  it('terminates a thread that ignores a cancel', async () => {
    open({ graceMs: 50 });
    const deaf = task('deaf');
    const ending = run(deaf);
    pool.cancel([deaf]);
    expect(await ending).toMatchObject({ ok: false, error: { code: 'READER_DIED' } });
  });

  it.each(['stubborn', 'lingering'])('terminates threads that do not end when they are closed: %s', async (runId) => {
    open({ runId, graceMs: 50 });
    await run('a');
    await pool.close();
  });
});

describe('a thread of two workers', () => {
  it('reads their slices at the same time, and has no room for a third', async () => {
    open({ workersPerThread: 2 });
    pool.connect(3, NO_SNAPSHOT);
    const ends = await Promise.all(['a', 'b', 'c'].map(run));
    expect(new Set(ends.map(thread)).size).toBe(2);
    expect(ends.map((end) => end.ok && end.outcome.unrepresentable['connected'])).toEqual([1, 1, 1]);
    const slow = ['slow', 'slow'].map(task);
    const both = slow.map(run);
    expect(await Promise.all(both.map(isOpen))).toEqual([true, true]);
    pool.cancel(slow);
    await Promise.all(both);
  });

  it('gives back what it read when it died, to be read by threads of their own', async () => {
    open({ workersPerThread: 2 });
    const slow = task('slow');
    const innocent = run(slow);
    const staged: string[] = [];
    const guilty = await pool.run(task('exit'), { ...silent, onStaged: (part) => staged.push(part.path) });
    const givenBack = { ok: false, givenBack: true, error: { code: 'READER_DIED' } };
    expect([guilty, await innocent]).toMatchObject([givenBack, givenBack]);
    // So that it can be discarded.
    expect(staged).toEqual(['staged']);
    const again = run(slow);
    expect(await run('exit')).toMatchObject({ ok: false, error: { code: 'READER_DIED' }, unconnected: false });
    expect(await isOpen(again)).toBe(true);
    pool.cancel([slow]);
    await again;
  });

  it('fails the only slice that it read when it died', async () => {
    open({ workersPerThread: 2 });
    await Promise.all([run('a'), run('b')]);
    const end = await run('throw');
    expect(end).toMatchObject({ ok: false, unconnected: false, error: { code: 'READER_DIED' } });
  });

  it('goes on for one worker when the other ignores a cancel, and does not hand it out again', async () => {
    open({ workersPerThread: 2, graceMs: 50 });
    const slow = task('slow');
    const reading = run(slow);
    const deaf = task('deaf');
    const ending = run(deaf);
    pool.cancel([deaf]);
    expect(await ending).toMatchObject({ ok: false, error: { code: 'READER_DIED' } });
    expect(await isOpen(reading)).toBe(true);
    expect(await run('a')).toMatchObject({ ok: true, outcome: { rows: 1 } });
    pool.cancel([slow]);
    expect(await reading).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
  });

  it('is terminated when both ignore a cancel', async () => {
    open({ workersPerThread: 2, graceMs: 50 });
    const deaf = [task('deaf'), task('deaf')];
    const ending = deaf.map(run);
    pool.cancel(deaf);
    const died = { ok: false, unconnected: false, error: { code: 'READER_DIED' } };
    expect(await Promise.all(ending)).toMatchObject([died, died]);
    expect(await run('a')).toMatchObject({ ok: true, outcome: { rows: 1 } });
  });

  it('stays when one of them could not connect', async () => {
    open({ workersPerThread: 2 });
    const slow = task('slow');
    const reading = run(slow);
    expect(await run('unconnected')).toMatchObject({ ok: false, unconnected: true });
    expect(await run('a')).toMatchObject({ ok: true, outcome: { rows: 1 } });
    expect(await isOpen(reading)).toBe(true);
    pool.cancel([slow]);
    await reading;
  });

  it('loses one of them to a thread of its own when it is saturated', async () => {
    let isSaturated = false;
    let cores = 1;
    open({
      workersPerThread: 2,
      load: { isSaturated: () => isSaturated && cores > 0, takeCore: () => (cores -= 1) },
    });
    const [one, two] = await Promise.all([run('a'), run('b')]);
    expect(thread(one)).toBe(thread(two));
    const slow = task('slow');
    const staying = run(slow);
    isSaturated = true;
    const moved = await run('a');
    expect(thread(moved)).not.toBe(thread(one));
    expect(cores).toBe(0);
    // Each is alone now, wherever there is a core.
    cores = 1;
    expect(thread(await run('a'))).toBe(thread(moved));
    expect(await isOpen(staying)).toBe(true);
    pool.cancel([slow]);
    await staying;
    const [three, four] = await Promise.all([run('a'), run('b')]);
    expect(new Set([three, four].map(thread))).toEqual(new Set([thread(one), thread(moved)]));
    expect(cores).toBe(1);
  });

  it('hands on the cancel of a slice whose worker is still moving', async () => {
    open({ workersPerThread: 2, load: { isSaturated: () => true, takeCore: () => undefined } });
    await Promise.all([run('a'), run('b')]);
    const slow = task('slow');
    const moving = run(slow);
    pool.cancel([slow]);
    expect(await moving).toMatchObject({ ok: false, error: { code: 'CANCELLED' } });
  });
});

describe('a thread out of memory', () => {
  it('fails its task with a hint', { timeout: 60_000 }, async () => {
    const setup = { runId: 'run' } as WorkerSetup;
    pool = new WorkerPool(setup, { entry, resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const end = await run('memory');
    expect(end).toMatchObject({ ok: false, error: { code: 'READER_OUT_OF_MEMORY', exit: 'tables-failed' } });
    expect(!end.ok && end.error?.hint).toContain('--row-group-rows');
    expect(await run('a')).toMatchObject({ ok: true });
  });
});
