import { describe, expect, it } from 'vitest';

import { isSurplus, keepersOf, runSnapshot, sessionsOf, turnOf } from '../../../src/fleet/keeper-choice.js';
import type { AnnouncedSnapshot, LoggedWorker } from '../../../src/runlog/index.js';

const SERVER = { product: 'PostgreSQL 17.9', address: 'db:5432', database: 'shop' };

function holding(moment: string, keepers?: number): AnnouncedSnapshot {
  const snapshot = { consistency: 'run' as const, token: `of ${moment}`, id: undefined, takenAt: '', moment };
  return { server: SERVER, snapshot, keepers };
}

function process(name: string, changes: Partial<LoggedWorker> = {}): LoggedWorker {
  return {
    workerId: name,
    role: 'worker',
    name,
    host: name,
    processId: 1,
    slots: 1,
    slices: [],
    slicesRead: 0,
    rows: 0,
    snapshot: undefined,
    joinedAt: new Date(0),
    heartbeatAt: new Date(0),
    leftAt: undefined,
    isLiving: true,
    ...changes,
  };
}

const coordinator = (moment: string | undefined, changes: Partial<LoggedWorker> = {}): LoggedWorker =>
  process('coordinator', {
    role: 'coordinator',
    snapshot: moment === undefined ? undefined : holding(moment, 2),
    ...changes,
  });

function turns(workers: readonly LoggedWorker[]): Record<string, number | undefined> {
  const all = workers.filter(({ role }) => role === 'worker');
  return Object.fromEntries(all.map(({ workerId }) => [workerId, turnOf(workerId, workers)]));
}

describe('whose turn it is to hold the snapshot', () => {
  it('is that of the first workers, and the others come after them', () => {
    const workers = [coordinator('m1'), process('a'), process('b'), process('c'), process('d')];
    expect(turns(workers)).toEqual({ a: 0, b: 0, c: 1, d: 2 });
  });

  it('is first that of workers on hosts where nobody holds it', () => {
    const keeper = process('a', { host: 'one', snapshot: holding('m1') });
    const workers = [coordinator('m1', { host: 'zero' }), process('b', { host: 'zero' }), keeper];
    const others = [process('c', { host: 'one' }), process('d', { host: 'two' }), process('e', { host: 'two' })];
    expect(turns([...workers, ...others])).toEqual({ b: 1, a: undefined, c: 2, d: 0, e: 3 });
  });

  it('is nobody’s where enough hold it, or none is wanted', () => {
    const keepers = ['a', 'b'].map((name) => process(name, { snapshot: holding('m1') }));
    expect(turns([coordinator('m1'), ...keepers, process('c')])).toEqual({ a: undefined, b: undefined, c: undefined });
    expect(turns([coordinator(undefined), process('a')])).toEqual({ a: undefined });
    expect(turns([coordinator('m1', { snapshot: holding('m1', 0) }), process('a')])).toEqual({ a: undefined });
  });

  it('is nobody’s while a reader finds no free connection, and keepers make room for it', () => {
    const slice = { job: '1', losses: 0, table: 't', slice: 0, rows: 0, bytes: 0 };
    const keeper = process('a', { snapshot: holding('m1') });
    const others = (isLiving: boolean) => [
      process('b', { slices: [slice, { ...slice, isCrowdedOut: true }], isLiving }),
      process('c', { slices: [slice] }),
    ];
    expect(turns([coordinator('m1'), keeper, ...others(true)])).toEqual({ a: undefined, b: undefined, c: undefined });
    expect(isSurplus('a', [coordinator('m1'), keeper, ...others(true)])).toBe(true);
    expect(turns([coordinator('m1'), keeper, ...others(false)])).toMatchObject({ c: 0 });
    expect(isSurplus('a', [coordinator('m1'), keeper, ...others(false)])).toBe(false);
  });

  it('does not count keepers that are gone, or hold another snapshot', () => {
    const gone = process('a', { snapshot: holding('m1'), isLiving: false });
    const other = process('b', { snapshot: holding('m0') });
    expect(turns([coordinator('m1'), gone, other, process('c')])).toEqual({ a: undefined, b: 0, c: 0 });
  });
});

describe('the snapshot of a run', () => {
  it('is that of the last coordinator that has told of one, even if it is gone', () => {
    const first = coordinator('m1', { isLiving: false });
    expect(runSnapshot([first, process('a'), coordinator(undefined)])?.snapshot.moment).toBe('m1');
    expect(runSnapshot([first, coordinator('m2'), process('a')])?.snapshot.moment).toBe('m2');
    expect(runSnapshot([process('a', { snapshot: holding('m1') })])).toBeUndefined();
  });

  it('is let go by those that came last, if too many hold it', () => {
    const keepers = ['a', 'b', 'c'].map((name) => process(name, { snapshot: holding('m1') }));
    const workers = [coordinator('m1'), ...keepers, process('d')];
    expect(keepersOf(workers, 'm1')).toHaveLength(3);
    expect(['a', 'b', 'c', 'd'].filter((name) => isSurplus(name, workers))).toEqual(['c']);
  });
});

it('the sessions of a snapshot are those of its keepers, living or not, and then the one of the last coordinator', () => {
  const workers = [
    coordinator('new', { workerId: 'before' }),
    process('lost', { snapshot: holding('new'), isLiving: false }),
    process('old', { snapshot: holding('old') }),
    process('none'),
    coordinator('new'),
  ];
  expect(sessionsOf(workers, 'new')).toEqual([holding('new'), holding('new', 2)]);
  expect(sessionsOf(workers, 'old')).toEqual([holding('old')]);
  expect(sessionsOf(workers, undefined)).toEqual([]);
});
