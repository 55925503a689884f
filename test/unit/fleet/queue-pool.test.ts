import { beforeEach, describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import type { SliceTask } from '../../../src/export/worker/protocol.js';
import type { SliceEnd } from '../../../src/export/worker/slice-pool.js';
import { loadQueueLibrary } from '../../../src/fleet/load-queue.js';
import { type JobReport, pack, type SliceJob, type SliceReport, unpackJob } from '../../../src/fleet/messages.js';
import { QueuePool } from '../../../src/fleet/queue-pool.js';
import type { SentJob, SliceQueue } from '../../../src/fleet/slice-queue.js';
import { datasetId } from '../../../src/model/dataset.js';
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
  readonly found = new Map<string, SentJob>();
  refusals = 0;

  send(jobs: readonly { readonly id: string; readonly job: SliceJob }[]): Promise<void> {
    if (this.refusals-- > 0) return Promise.reject(new Error('gone'));
    this.sent.push(...jobs);
    return Promise.resolve();
  }

  look(ids: readonly string[]): Promise<readonly SentJob[]> {
    return Promise.resolve(ids.flatMap((id) => this.found.get(id) ?? []));
  }

  cancel(ids: readonly string[]): Promise<void> {
    this.cancelled.push(...ids);
    return Promise.resolve();
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  ends(index: number, ...report: JobReport): void {
    this.found.set(this.id(index), { id: this.id(index), state: 'completed', losses: 0, report });
  }

  changes(index: number, state: SentJob['state'], losses = 0): void {
    this.found.set(this.id(index), { id: this.id(index), state, losses, report: undefined });
  }

  id(index: number): string {
    return this.sent[index]!.id;
  }

  /** Names of the tables of each job. */
  get tables(): string[][] {
    return this.sent.map(({ job }) => job.tasks.map(({ dataset }) => datasetId(dataset).name));
  }

  /** Waits until so many jobs are sent. */
  async has(jobs: number): Promise<void> {
    await expect.poll(() => this.sent.length, { timeout: 10_000 }).toBe(jobs);
  }
}

let queue: FakeQueue;
let workers: Partial<LoggedWorker>[];
let warnings: string[];
let staged: unknown[];
let discarded: unknown[];

beforeEach(() => {
  queue = new FakeQueue();
  workers = [];
  warnings = [];
  staged = [];
  discarded = [];
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
    discard: (parts) => {
      discarded.push(...parts);
      return Promise.resolve();
    },
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

/** Of unknown size, unless it is given: such slices share no job. */
function task(name = 'orders', expectedBytes?: number): SliceTask {
  const { dataset, columns, slices, storageId, directory } = tablePlan(name);
  const slice = slices[0]!;
  return {
    ...{ dataset, columns, slice, snapshot: NO_SNAPSHOT, storageId, directory, mode: 'rows', isOnlySlice: true },
    expectedBytes,
  };
}

const CHANGED = new LakeportError({ code: 'TABLE_CHANGED', message: 'changed' }).toData();

/** Waits until the pool knows its workers. */
async function watched(one: QueuePool): Promise<void> {
  await new Promise<void>((resolve) => {
    one.watchCapacity({ onCapacity: () => resolve(), onFailed: () => undefined });
  });
}

function run(one: QueuePool, what = task()): Promise<SliceEnd> {
  return one.run(what, { onProgress: () => undefined, onStaged: (part) => staged.push(part) });
}

describe('slices that workers read', () => {
  it('end with what was reported: read, failed, or given back; those of one moment are sent together', async () => {
    const one = pool();
    const ends = [run(one), run(one), run(one)];
    await queue.has(3);
    expect(queue.sent.map(({ job }) => job.server)).toEqual([SERVER, SERVER, SERVER]);
    queue.ends(0, DONE);
    queue.ends(1, { kind: 'failed', error: CHANGED });
    queue.ends(2, { kind: 'given-back', error: CHANGED });
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
    await queue.has(1);
    const slice = { job: queue.id(0), table: 'public.orders', slice: 0, rows: 1, bytes: 2 };
    // The next one may be reading before the loss is noticed.
    workers = [worker('w7', 1, [{ ...slice, losses: 0 }]), worker('w8', 1, [{ ...slice, losses: 1 }])];
    await watched(one);
    queue.changes(0, 'open', 1);
    await expect
      .poll(() => warnings)
      .toEqual(['Worker w7 on h was lost while it read public.orders: it is read again']);
    queue.changes(0, 'failed', 6);
    expect(await end).toMatchObject({ ok: false, error: { code: 'READER_DIED', transient: false } });
    await one.close();
  });

  it('are cancelled at once, and a report that comes later does not count', async () => {
    const one = pool();
    const [first, second] = [task('a'), task('b')];
    const ends = [run(one, first), run(one, second)];
    await queue.has(2);
    one.cancel([first]);
    queue.ends(0, DONE);
    queue.ends(1, DONE);
    expect(await ends[0]).toMatchObject({ ok: false, error: { code: 'INTERRUPTED' } });
    expect(await ends[1]).toMatchObject({ ok: true });
    expect(queue.cancelled).toEqual([queue.id(0)]);
    expect(staged).toHaveLength(1);
    await one.close();
  });

  it('are sent when the queue can be reached again', async () => {
    queue.refusals = 1;
    const one = pool();
    const end = run(one);
    await queue.has(1);
    queue.ends(0, DONE);
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

describe('small slices', () => {
  it('share a job, whose report has an end for each, and are spread over slots that have nothing to do', async () => {
    workers = [worker('a', 2)];
    const one = pool();
    await watched(one);
    const ends = ['a', 'b', 'c', 'd'].map((name) => run(one, task(name, 1_000)));
    await queue.has(2);
    expect(queue.tables).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    queue.ends(0, DONE, { kind: 'failed', error: CHANGED });
    queue.ends(1, { kind: 'given-back', error: CHANGED }, { kind: 'given-back' });
    const [a, b, c, d] = await Promise.all(ends);
    expect(a).toMatchObject({ ok: true });
    expect(b).toMatchObject({ error: { code: 'TABLE_CHANGED' } });
    expect([c, d]).toEqual([
      { ok: false, givenBack: true },
      { ok: false, givenBack: true },
    ]);
    expect(warnings).toEqual(['A worker has given back public.c and 1 other table: changed']);
    await one.close();
  });

  it('wait for a full job while the queue has enough of others', async () => {
    workers = [worker('a', 1)];
    const one = pool();
    await watched(one);
    const large = [run(one, task('x')), run(one, task('y'))];
    await queue.has(2);
    const small = Array.from({ length: 60 }, (_, n) => run(one, task(`t${n}`, 0)));
    await queue.has(3);
    expect(queue.tables[2]).toHaveLength(50);
    queue.ends(0, DONE);
    queue.ends(1, DONE);
    await Promise.all(large);
    await queue.has(4);
    expect(queue.tables[3]).toHaveLength(10);
    await one.close();
    expect(await Promise.all(small)).toHaveLength(60);
  });

  it('are each read alone once a worker was lost with them, unless they are not wanted any more', async () => {
    const one = pool();
    const tasks = ['a', 'b', 'c'].map((name) => task(name, 0));
    const [a, b, c] = tasks.map((what) => run(one, what));
    await queue.has(1);
    workers = [worker('w7', 1, [{ job: queue.id(0), table: 'public.b', slice: 0, losses: 0, rows: 1, bytes: 2 }])];
    await watched(one);
    one.cancel([tasks[2]!]);
    expect(queue.cancelled).toEqual([]);
    queue.changes(0, 'failed', 1);
    await queue.has(3);
    expect(queue.tables.slice(1)).toEqual([['a'], ['b']]);
    expect(warnings).toEqual(['Worker w7 on h was lost while it read public.b and 1 other table: they are read again']);
    queue.ends(1, DONE);
    queue.changes(2, 'failed', 6);
    expect(await a).toMatchObject({ ok: true });
    expect(await b).toMatchObject({ error: { code: 'READER_DIED' } });
    expect(await c).toMatchObject({ error: { code: 'INTERRUPTED' } });
    await one.close();
  });

  it('of which some are cancelled leave their job in the queue until all are, and what they have staged is discarded', async () => {
    const one = pool();
    const [a, b, c] = [task('a', 0), task('b', 0), task('c', 0)];
    const ends = [run(one, a), run(one, b)];
    await queue.has(1);
    one.cancel([a]);
    queue.ends(0, DONE, DONE);
    expect(await Promise.all(ends)).toMatchObject([{ error: { code: 'INTERRUPTED' } }, { ok: true }]);
    expect(staged).toHaveLength(1);
    expect(discarded).toEqual(DONE.outcome.files.map(({ part }) => part));
    const last = run(one, c);
    await queue.has(2);
    one.cancel([c]);
    expect(await last).toMatchObject({ ok: false });
    expect(queue.cancelled).toEqual([queue.id(1)]);
    await one.close();
  });

  it('are given back when they are recalled, but for those that are reported all the same', async () => {
    const one = pool();
    const ends = [run(one), run(one)];
    await queue.has(2);
    const waiting = run(one);
    one.recall();
    expect(await waiting).toEqual({ ok: false, givenBack: true });
    expect(queue.cancelled).toEqual([queue.id(0), queue.id(1)]);
    queue.changes(0, 'cancelled');
    queue.ends(1, DONE);
    expect(await Promise.all(ends)).toMatchObject([{ ok: false, givenBack: true }, { ok: true }]);
    await one.close();
  });
});

describe('messages of the queue', () => {
  it('are ASCII, whatever the names of tables', () => {
    const { dataset, ...rest } = task('日本\u0000\ud800');
    const job: SliceJob = { version: '1', server: SERVER, tasks: [{ dataset, ...rest }] };
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
