import { describe, expect, it } from 'vitest';

import { type MeasuredThread, ThreadLoad } from '../../../../src/export/worker/thread-load.js';
import { CpuMeter } from '../../../../src/runtime/cpu-meter.js';
import { availableCores } from '../../../../src/runtime/machine.js';

describe('the load of threads', () => {
  function measured({ spare = 1, busy = 1 }: { spare?: number; busy?: number }) {
    const thread: MeasuredThread = { utilization: () => busy };
    let now = 0;
    const load = new ThreadLoad(new Set([thread]), { spareCores: () => spare, now: () => now });
    return { thread, load, pass: (ms: number) => void (now += ms) };
  }

  it('is too much for a thread that is always busy, where a core is idle', () => {
    const { load, thread, pass } = measured({});
    pass(1000);
    expect(load.isSaturated(thread)).toBe(true);
  });

  it.each([
    { why: 'it has time left', busy: 0.8 },
    { why: 'no core is idle', spare: 0.3 },
    { why: 'it has only begun', ms: 999 },
  ])('is not too much where $why', ({ ms = 1000, ...rest }) => {
    const { load, thread, pass } = measured(rest);
    pass(ms);
    expect(load.isSaturated(thread)).toBe(false);
  });

  it('is judged for as many threads as there are idle cores, until it is measured again', () => {
    const { load, thread, pass } = measured({ spare: 1.7 });
    pass(1000);
    for (const taken of [0, 1]) {
      expect(load.isSaturated(thread), `${taken} cores`).toBe(true);
      load.takeCore();
    }
    expect(load.isSaturated(thread)).toBe(false);
    pass(999);
    expect(load.isSaturated(thread)).toBe(false);
    pass(1);
    expect(load.isSaturated(thread)).toBe(true);
  });
});

describe('a meter of the cores that are left', () => {
  it('counts fewer than there are, since this process is busy', () => {
    const meter = new CpuMeter();
    const before = process.cpuUsage();
    while (process.cpuUsage(before).user < 100_000);
    expect(meter.spareCores()).toBeLessThan(availableCores());
  });
});
