import { beforeEach, describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import type { SliceTask } from '../../../src/export/worker/protocol.js';
import type { CapacityListener, SliceEnd, SlicePool } from '../../../src/export/worker/slice-pool.js';
import { FleetPool } from '../../../src/fleet/fleet-pool.js';
import { NO_SNAPSHOT, tablePlan } from '../../harness/table-plans.js';

/** Where slices are read: by the threads of the coordinator, or by workers elsewhere. */

const GIVEN_BACK: SliceEnd = { ok: false, givenBack: true };
const REFUSED = new LakeportError({ code: 'SOURCE_REFUSED', message: 'refused' });
const NO_WORKERS = new LakeportError({ code: 'NO_WORKERS', message: 'gone' });

/** Slices end when the test says. */
class HeldPool implements SlicePool {
  readonly ends = new Map<string, (end: SliceEnd) => void>();
  listener: CapacityListener | undefined;
  recalls = 0;

  run(task: SliceTask): Promise<SliceEnd> {
    return new Promise((resolve) => this.ends.set(task.directory, resolve));
  }

  watchCapacity(listener: CapacityListener): number {
    this.listener = listener;
    return 0;
  }

  weightOf(bytes: number | undefined): number {
    return bytes === undefined ? 1 : 0.1;
  }

  recall(): void {
    this.recalls++;
    for (const end of this.ends.values()) end(GIVEN_BACK);
    this.ends.clear();
  }

  cancel(): void {
    this.ends.clear();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

let local: HeldPool;
let remote: HeldPool;
let capacities: number[];
let failures: LakeportError[];

beforeEach(() => {
  local = new HeldPool();
  remote = new HeldPool();
  capacities = [];
  failures = [];
});

function pool(readers: number): FleetPool {
  const one = new FleetPool({ local, readers, remote });
  one.watchCapacity({
    onCapacity: (slices) => capacities.push(slices),
    onFailed: (error) => failures.push(error),
  });
  return one;
}

function run(one: FleetPool, name: string): Promise<SliceEnd> {
  const { dataset, columns, slices, storageId } = tablePlan(name);
  const plan = { dataset, columns, slice: slices[0]!, storageId, directory: name };
  const task: SliceTask = { ...plan, snapshot: NO_SNAPSHOT, mode: 'rows', isOnlySlice: true };
  return one.run(task, { onProgress: () => undefined, onStaged: () => undefined });
}

describe('a run with readers of its own beside workers', () => {
  it('reads with its own as long as they are free, and hands small slices out by weight only to workers', () => {
    const one = pool(1);
    expect(one.weightOf(10)).toBe(1);
    remote.listener?.onCapacity(4);
    expect(capacities).toEqual([5]);
    expect(one.weightOf(10)).toBe(0.1);
    for (const name of ['a', 'b', 'c']) void run(one, name);
    expect([[...local.ends.keys()], [...remote.ends.keys()]]).toEqual([['a'], ['b', 'c']]);
  });

  it('takes back what workers have not read once all are gone, and does not fail', async () => {
    const one = pool(1);
    remote.listener?.onCapacity(4);
    const [a, b] = [run(one, 'a'), run(one, 'b')];
    remote.listener?.onCapacity(0);
    expect(await b).toEqual(GIVEN_BACK);
    expect(capacities.at(-1)).toBe(1);
    // What was handed out in the same moment comes back as soon as a reader is free.
    const late = run(one, 'c');
    local.ends.get('a')?.({ ok: false, error: NO_WORKERS, unconnected: false });
    expect(await a).toMatchObject({ ok: false });
    expect(await late).toEqual(GIVEN_BACK);
    remote.listener?.onFailed(NO_WORKERS);
    expect(failures).toEqual([]);
  });

  it('depends on workers once its own readers cannot connect', async () => {
    const one = pool(1);
    remote.listener?.onCapacity(2);
    const a = run(one, 'a');
    local.ends.get('a')?.({ ok: false, error: REFUSED, unconnected: true });
    expect(await a).toEqual(GIVEN_BACK);
    expect(capacities.at(-1)).toBe(2);
    remote.listener?.onCapacity(0);
    expect(remote.recalls).toBe(0);
    remote.listener?.onFailed(NO_WORKERS);
    expect(failures).toEqual([NO_WORKERS]);
  });
});
