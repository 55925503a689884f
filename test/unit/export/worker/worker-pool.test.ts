import { afterEach, describe, expect, it } from 'vitest';

import type { SliceTask, WorkerSetup } from '../../../../src/export/worker/protocol.js';
import type { PoolListener, ReadEnd } from '../../../../src/export/worker/slice-pool.js';
import { WorkerPool } from '../../../../src/export/worker/worker-pool.js';
import { NO_SNAPSHOT, tablePlan } from '../../../harness/table-plans.js';

/**
 * A real thread whose tasks say by their table's name what it does. Every answer tells the thread's id and how many
 * tasks it has had.
 */
const THREAD = `
  import { parentPort, threadId, workerData } from 'node:worker_threads';
  let tasks = 0;
  let connected = 0;
  const cancelled = new Set();
  parentPort.on('message', async ({ type, id, task }) => {
    if (type === 'close') return workerData.runId === 'stubborn' ? setInterval(() => {}, 1000) : parentPort.close();
    if (type === 'connect') return connected++;
    if (type === 'cancel') return cancelled.add(id);
    const part = { storageId: 'test', path: 'staged', bytes: 1, sha256: '', token: {} };
    const outcome = { rows: ++tasks, bytes: threadId, unrepresentable: { connected }, files: [] };
    switch (task.dataset.id.name) {
      case 'exit': parentPort.postMessage({ type: 'staged', id, part }); return setImmediate(() => process.exit(7));
      case 'throw': return setImmediate(() => { throw new Error('out of the blue'); });
      case 'reject': return Promise.reject(new Error('nobody cares'));
      case 'memory': { const hog = []; for (;;) hog.push(new Array(1e5).fill(Math.random())); }
      case 'deaf': return;
      case 'unconnected':
      case 'fail': {
        const error = { code: 'BROKEN', exit: 'tables-failed', message: 'broken', hint: 'mend it' };
        return parentPort.postMessage({ type: 'failed', id, failure: { error, unconnected: task.dataset.id.name !== 'fail' } });
      }
      case 'slow': while (!cancelled.has(id)) await new Promise((resolve) => setTimeout(resolve, 5));
        return parentPort.postMessage({ type: 'failed', id, failure: { error: { code: 'CANCELLED', exit: 'interrupted', message: '' }, unconnected: false } });
      default:
        parentPort.postMessage({ type: 'progress', id: id + 1, rows: -1, bytes: -1 });
        parentPort.postMessage({ type: 'progress', id, rows: 5, bytes: 6 });
        parentPort.postMessage({ type: 'staged', id, part });
        parentPort.postMessage({ type: 'done', id, outcome });
    }
  });`;

const entry = new URL(`data:text/javascript,${encodeURIComponent(THREAD)}`);
let pool: WorkerPool;

function open(options: { runId?: string; graceMs?: number } = {}): void {
  // The thread above looks at nothing but the run's id.
  const setup = { runId: options.runId ?? 'run' } as WorkerSetup;
  pool = new WorkerPool(setup, { entry, graceMs: () => options.graceMs ?? 5000 });
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

function thread(end: ReadEnd): number {
  if (!end.ok) throw end.error;
  return end.outcome.bytes;
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
    expect(!end.ok && end.error.message).toMatch(message);
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
    const still = await Promise.race([otherEnding, new Promise((resolve) => setTimeout(() => resolve('still'), 50))]);
    expect(still).toBe('still');
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

  it('terminates threads that ignore a close', async () => {
    open({ runId: 'stubborn', graceMs: 50 });
    await run('a');
    await pool.close();
  });
});

describe('a thread out of memory', () => {
  it('fails its task with a hint', { timeout: 60_000 }, async () => {
    const setup = { runId: 'run' } as WorkerSetup;
    pool = new WorkerPool(setup, { entry, resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const end = await run('memory');
    expect(end).toMatchObject({ ok: false, error: { code: 'READER_OUT_OF_MEMORY', exit: 'tables-failed' } });
    expect(!end.ok && end.error.hint).toContain('--row-group-rows');
    expect(await run('a')).toMatchObject({ ok: true });
  });
});
