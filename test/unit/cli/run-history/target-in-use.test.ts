import { describe, expect, it } from 'vitest';

import { refuseTargetInUse } from '../../../../src/cli/run-history/target-in-use.js';
import type { LivingRun } from '../../../../src/runlog/index.js';
import { plan, tablePlan } from '../reports/samples.js';

const place = (server = 'host') => ({
  cwd: '/work',
  places: { '--output_dir': { address: '/data/out', server, isLocal: true } },
});

const own = {
  runId: 'b',
  startedAt: new Date(1000),
  settings: place(),
  plan: plan({ tables: [tablePlan({ name: 'orders' })] }),
};

function other(changes: Partial<LivingRun> & { readonly state?: 'pending' | 'running' | 'completed' } = {}): LivingRun {
  const { state = 'running', ...rest } = changes;
  const tables = [{ storageId: '--output_dir', path: 'out/s/orders', state }];
  return { runId: 'a', startedAt: new Date(500), holder: 'process 7 on host h', settings: place(), tables, ...rest };
}

describe('a table that another living run writes to the same place', () => {
  it.each([
    ['reads', other()],
    ['has published', other({ state: 'completed' })],
    ['is going to read, as it began before', other({ state: 'pending' })],
    ['is reading, though it began later', other({ startedAt: new Date(2000) })],
  ])('which it %s, keeps this one from beginning', (_, living) => {
    expect(() => refuseTargetInUse(own, [living])).toThrow(
      expect.objectContaining({
        code: 'TARGET_IN_USE',
        exit: 'in-use',
        message: 'Run a (process 7 on host h) is writing s.orders to out/s/orders',
      }) as Error,
    );
  });

  it.each([
    [
      'of two that have only planned, is left to the one that began before',
      { state: 'pending', startedAt: new Date(2000) },
    ],
    ['on another machine is another place', { settings: place('elsewhere') }],
    ['from another directory is another place', { settings: { ...place(), cwd: '/home' } }],
    ['in a log of another version is not known', { settings: {} }],
  ] as const)('%s', (_, changes) => {
    expect(() => refuseTargetInUse(own, [other(changes)])).not.toThrow();
  });
});
