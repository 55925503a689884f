import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import type { SliceTask } from '../../../src/export/worker/protocol.js';
import type { SliceEnd } from '../../../src/export/worker/slice-pool.js';
import { loadQueueLibrary } from '../../../src/fleet/load-queue.js';
import { pack, type SliceJob, type SliceReport, unpackJob } from '../../../src/fleet/messages.js';
import { QueuePool } from '../../../src/fleet/queue-pool.js';
import type { SentSlice, SliceQueue } from '../../../src/fleet/slice-queue.js';
import type { LoggedWorker, RunLog } from '../../../src/runlog/index.js';
import { NO_SNAPSHOT, tablePlan } from '../../harness/table-plans.js';

/** What a coordinator does with what the queue tells; the queue itself is tested with real workers. */

const SERVER = { product: 'PostgreSQL 17.9', address: 'db:5432', database: 'shop', instance: 'port 5432' };
const DONE: SliceReport = {
  kind: 'done',
  outcome: {
    rows: 3,
    bytes: 30,
    unrepresentable: {},
    files: [
      {
        part: { storageId: 'lake', path: 't/part-0.parquet', bytes: 9, sha256: 'ab', token: { file: 'x' } },
        rows: 3,
        rowGroups: [{ rows: 3, bytes: 9 }],
      },
    ],
  },
};

class FakeQueue {
  readonly sent: { readonly id: string; readonly job: SliceJob }[] = [];
  readonly cancelled: string[] = [];
  readonly found = new Map<string, SentSlice>();
  refusals = 0;

  send(jobs: readonly { readonly id: string; readonly job: SliceJob }[]): Promise<void> {
    if (this.refusals-- > 0) return Promise.reject(new Error('gone'));
    this.sent.push(...jobs);
    return Promise.resolve();
  }

  look(ids: readonly string[]): Promise<readonly SentSlice[]> {
    return Promise.resolve(ids.flatMap((id) => this.found.get(id) ?? []));
  }

  cancel(ids: readonly string[]): Promise<void> {
    this.cancelled.push(...ids);
    return Promise.resolve();
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  ends(index: number, end: Partial<SentSlice>): void {
    const { id } = this.sent[index]!;
    this.found.set(id, { id, state: 'completed', losses: 0, report: undefined, ...end });
  }
}

let queue: FakeQueue;
let workers: Partial<LoggedWorker>[];
let warnings: string[];
let staged: unknown[];

beforeEach(() => {
  queue = new FakeQueue();
  workers = [];
  warnings = [];
  staged = [];
});

function pool({ waitMs = 60_000, limit = 100 } = {}): QueuePool {
  return new QueuePool({
    // Both have private members, which no other class can have.
    queue: queue as unknown as SliceQueue,
    log: { workersOf: () => Promise.resolve({ workers }) } as unknown as RunLog,
    runId: 'r',
    server: () => SERVER,
    waitMs,
    limit,
    observer: {
      message: (level, text) => {
        if (level === 'warning') warnings.push(text);
      },
    },
  });
}

function worker(name: string, slots: number, slices: LoggedWorker['slices'] = []): Partial<LoggedWorker> {
  return { role: 'worker', name, host: 'h', slots, slices, isLiving: true };
}

function task(name = 'orders'): SliceTask {
  const { dataset, columns, slices, storageId, directory } = tablePlan(name);
  const slice = slices[0]!;
  return { dataset, columns, slice, snapshot: NO_SNAPSHOT, storageId, directory, mode: 'rows', isOnlySlice: true };
}

function run(one: QueuePool, what = task()): Promise<SliceEnd> {
  return one.run(what, { onProgress: () => undefined, onStaged: (part) => staged.push(part) });
}

describe('slices that workers read', () => {
  it('end with what was reported: read, failed, or given back; those of one moment are sent together', async () => {
    const one = pool();
    const ends = [run(one), run(one), run(one)];
    await sleep(5);
    expect(queue.sent.map(({ job }) => job.server)).toEqual([SERVER, SERVER, SERVER]);
    const error = new LakeportError({ code: 'TABLE_CHANGED', message: 'changed' });
    queue.ends(0, { report: DONE });
    queue.ends(1, { report: { kind: 'failed', error: error.toData() } });
    queue.ends(2, { report: { kind: 'given-back', error: error.toData() } });
    const [done, failed, back] = await Promise.all(ends);
    expect(done).toEqual({ ok: true, outcome: DONE.outcome });
    expect(staged).toEqual(DONE.outcome.files.map(({ part }) => part));
    expect(failed).toMatchObject({ ok: false, error: { code: 'TABLE_CHANGED' }, unconnected: false });
    expect(back).toEqual({ ok: false, givenBack: true });
    expect(warnings).toEqual(['A worker has given back public.orders: changed']);
    await one.close();
  });

  it('are read again when a worker is lost, and fail their table when they kill one after the other', async () => {
    const one = pool();
    const end = run(one);
    await sleep(5);
    workers = [worker('w7', 1, [{ job: queue.sent[0]!.id, table: 'public.orders', slice: 0, rows: 1, bytes: 2 }])];
    one.watchCapacity({ onCapacity: () => undefined, onFailed: () => undefined });
    await sleep(20);
    queue.ends(0, { state: 'open', losses: 1 });
    await expect
      .poll(() => warnings)
      .toEqual(['Worker w7 on h was lost while it read public.orders: it is read again']);
    queue.ends(0, { state: 'failed', losses: 6 });
    expect(await end).toMatchObject({ ok: false, error: { code: 'READER_DIED', transient: false } });
    await one.close();
  });

  it('are cancelled at once, and a report that comes later does not count', async () => {
    const one = pool();
    const [first, second] = [task('a'), task('b')];
    const ends = [run(one, first), run(one, second)];
    await sleep(5);
    one.cancel([first]);
    queue.ends(0, { report: DONE });
    queue.ends(1, { report: DONE });
    expect(await ends[0]).toMatchObject({ ok: false, error: { code: 'INTERRUPTED' } });
    expect(await ends[1]).toMatchObject({ ok: true });
    expect(queue.cancelled).toEqual([queue.sent[0]!.id]);
    expect(staged).toHaveLength(1);
    await one.close();
  });

  it('are sent when the queue can be reached again', async () => {
    queue.refusals = 1;
    const one = pool();
    const end = run(one);
    await expect.poll(() => queue.sent.length, { timeout: 10_000 }).toBe(1);
    queue.ends(0, { report: DONE });
    expect(await end).toMatchObject({ ok: true });
    expect(warnings).toEqual(['The queue cannot be reached: gone']);
    await one.close();
  });

  it('are as many as living workers can read and a third more, and no more than the source has connections for', async () => {
    workers = [worker('a', 4), worker('b', 6), { ...worker('dead', 90), isLiving: false }];
    const capacities: number[] = [];
    const one = pool();
    expect(one.watchCapacity({ onCapacity: (slices) => capacities.push(slices), onFailed: () => undefined })).toBe(0);
    await expect.poll(() => capacities).toEqual([13]);
    await one.close();
    const limited = pool({ limit: 5 });
    limited.watchCapacity({ onCapacity: (slices) => capacities.push(slices), onFailed: () => undefined });
    await expect.poll(() => capacities).toEqual([13, 7]);
    await limited.close();
  });

  it('fail the run when there is no worker for too long', async () => {
    const one = pool({ waitMs: 1 });
    const failure = new Promise<LakeportError>((resolve) => {
      one.watchCapacity({ onCapacity: () => undefined, onFailed: resolve });
    });
    expect(await failure).toMatchObject({ code: 'NO_WORKERS', exit: 'unreachable' });
    await one.close();
  });
});

describe('messages of the queue', () => {
  it('are ASCII, whatever the names of tables', () => {
    const { dataset, ...rest } = task('日本\u0000\ud800');
    const job: SliceJob = { version: '1', server: SERVER, task: { dataset, ...rest } };
    expect(pack(job)).toMatch(/^[\x20-\x7e]*$/);
    expect(unpackJob(pack(job))).toEqual(JSON.parse(JSON.stringify(job)));
  });
});

describe('the library of the queue', () => {
  it('is refused in one sentence on a version of Node.js that is too old for it', async () => {
    await expect(loadQueueLibrary('20.20.2')).rejects.toMatchObject({
      code: 'WORKERS_NEED_NODE',
      exit: 'usage',
      message: 'Workers on other machines need Node.js 22.12 or later, and this is 20.20.2',
    });
    await expect(loadQueueLibrary('22.11.0')).rejects.toMatchObject({ code: 'WORKERS_NEED_NODE' });
  });
});
