import { describe, expect, it } from 'vitest';

import { type ExitClass, LakeportError } from '../../../../src/errors.js';
import { exitClassOf } from '../../../../src/export/model/exit-class.js';
import type { TableResult } from '../../../../src/export/model/result.js';

/** `completed`, `cancelled`, or the class of the failure. */
function table(end: 'completed' | 'cancelled' | ExitClass): TableResult {
  const state = end === 'completed' || end === 'cancelled' ? end : 'failed';
  const error =
    end === 'completed' || end === 'cancelled' ? undefined : ({ code: 'UNEXPECTED', exit: end, message: '' } as const);
  const table = { schema: 's', name: 't' };
  const nothing = { rows: 0, files: 0, bytes: 0, seconds: 0, unrepresentable: {} };
  return { table, state, ...nothing, storageId: 'lake', path: '', error };
}

const terminated = new LakeportError({ code: 'SIGTERM', message: '' });

describe('the exit class of a run', () => {
  it.each<[ExitClass | undefined, Parameters<typeof table>[0][]]>([
    [undefined, []],
    [undefined, ['completed', 'completed']],
    ['tables-failed', ['completed', 'tables-failed']],
    ['tables-failed', ['tables-failed']],
    ['tables-failed', ['completed', 'unreachable']],
    ['unreachable', ['unreachable', 'unreachable']],
    ['unreachable', ['unreachable', 'cancelled']],
    ['tables-failed', ['unreachable', 'tables-failed']],
    ['unrepresentable', ['unrepresentable', 'completed', 'cancelled']],
    ['tables-failed', ['unrepresentable', 'tables-failed']],
    ['tables-failed', ['unexpected']],
    ['tables-failed', ['usage', 'completed']],
  ])('is %s for %j', (exit, ends) => {
    expect(exitClassOf(ends.map(table), undefined)).toBe(exit);
  });

  it('is that of the interruption, unless it had no effect', () => {
    expect(
      exitClassOf(
        ['completed', 'cancelled'].map((end) => table(end as 'completed')),
        terminated,
      ),
    ).toBe('terminated');
    expect(exitClassOf([table('completed')], terminated)).toBeUndefined();
    expect(exitClassOf([table('unrepresentable')], terminated)).toBe('unrepresentable');
  });
});
