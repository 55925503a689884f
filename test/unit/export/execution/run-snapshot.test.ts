import { describe, expect, it, vi } from 'vitest';

import { LakeportError } from '../../../../src/errors.js';
import { RunSnapshot } from '../../../../src/export/execution/run-snapshot.js';
import type { Source } from '../../../../src/sources/source.js';
import { NO_SNAPSHOT } from '../../../harness/table-plans.js';

/** A source whose answers come when the test says. */
function asked() {
  const answers: ((isPinned: boolean) => void)[] = [];
  const source = { isPinned: () => new Promise<boolean>((resolve) => answers.push(resolve)) };
  return { source: source as unknown as Source, answers };
}

function runSnapshot(source: Source, consistency: 'auto' | 'run' = 'auto'): RunSnapshot {
  const signal = new AbortController().signal;
  const plan = () => Promise.reject(new Error('not planned'));
  return new RunSnapshot({ source, first: NO_SNAPSHOT, consistency, plan, retry: undefined, observer: {}, signal });
}

describe('whether the snapshot is held', () => {
  it('concurrent callers share one query, sent after their calls', async () => {
    const { source, answers } = asked();
    const snapshot = runSnapshot(source);
    const first = snapshot.isHeld();
    const later = Array.from({ length: 2000 }, () => snapshot.isHeld());
    expect(answers).toHaveLength(1);
    answers[0]!(true);
    expect(await first).toBe(true);
    // One that comes soon after the answer joins them: tables of a few rows end faster than a query is worth.
    later.push(snapshot.isHeld());
    expect(answers).toHaveLength(1);
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]!(false);
    expect(new Set(await Promise.all(later))).toEqual(new Set([false]));
    expect(answers).toHaveLength(2);
  });

  it('no query is sent if readers do not depend on the connection', async () => {
    expect(await runSnapshot({} as Source).isHeld()).toBe(true);
  });
});

it('a lost snapshot that must not be replaced reports the cause and a hint', async () => {
  const loss = new LakeportError({
    code: 'SOURCE_SHUT_DOWN',
    message: 'terminating connection due to administrator command',
    hint: 'see the server log',
    context: { detail: 'SQLSTATE 57P01' },
  });
  const error = LakeportError.from(
    await runSnapshot({ loss } as Source, 'run')
      .renew([])
      .catch((e: unknown) => e),
  );
  expect(error).toMatchObject({ code: 'SNAPSHOT_LOST', exit: 'unreachable', context: { detail: 'SQLSTATE 57P01' } });
  expect(error.message).toContain('(terminating connection due to administrator command)');
  expect(error.hint).toMatch(/^See the server log\. Run again/);
});
