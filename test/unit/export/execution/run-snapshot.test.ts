import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, it, vi } from 'vitest';

import { LakeportError } from '../../../../src/errors.js';
import { RunSnapshot } from '../../../../src/export/execution/run-snapshot.js';
import type { HeldSnapshot, Snapshot, Source } from '../../../../src/sources/source.js';
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

describe('a lost snapshot that other sessions may hold', () => {
  const SERVER = { product: 'PostgreSQL 17.9', address: 'db:5432', database: 'shop', instance: 'one, user u' };
  const FIRST: Snapshot = { ...NO_SNAPSHOT, consistency: 'run', token: 'first', moment: 'moment' };

  function heldBy(token: string, { moment = 'moment', instance = SERVER.instance } = {}): HeldSnapshot {
    return { server: { ...SERVER, instance }, snapshot: { ...FIRST, token, moment } };
  }

  /** A source whose session is lost, until it takes the snapshot over from one of these. */
  function lost(keepers: readonly HeldSnapshot[], living: readonly string[]) {
    const told: string[] = [];
    let taken = 0;
    const source = {
      server: SERVER,
      loss: new LakeportError({ code: 'SOURCE_CONNECTION_LOST', message: 'cut' }) as LakeportError | undefined,
      isPinned: () => Promise.resolve(source.loss === undefined),
      reopen: ({ instance }: { instance?: string }) => {
        told.push(`opened ${instance}`);
        return Promise.resolve();
      },
      takeOver: async (sessions: readonly Snapshot[]) => {
        told.push(`asked ${sessions.map(({ token }) => token).join()}`);
        await delay();
        const from = sessions.find(({ token = '' }) => living.includes(token));
        if (from !== undefined) source.loss = undefined;
        return from && { ...from, token: `own ${++taken}` };
      },
    };
    const snapshot = new RunSnapshot({
      source: source as unknown as Source,
      first: FIRST,
      consistency: 'auto',
      plan: () => Promise.reject(new Error('not planned')),
      keepers: { count: 2, held: () => Promise.resolve(keepers) },
      retry: undefined,
      observer: {
        message: (level, text, fields) => told.push(`${level} ${String(fields?.['event'])}: ${text}`),
        snapshotTakenOver: (held) => told.push(`held by ${held.snapshot.token}`),
      },
      signal: new AbortController().signal,
    });
    return { source, snapshot, told };
  }

  it('is taken over once, however many notice the loss, and is the same one', async () => {
    const { snapshot, told } = lost([heldBy('dead'), heldBy('k1')], ['k1']);
    const asking = Array.from({ length: 50 }, () => snapshot.isHeld());
    await delay();
    expect(snapshot.isTakingOver).toBe(true);
    asking.push(snapshot.isHeld());
    expect(new Set(await Promise.all(asking))).toEqual(new Set([true]));
    expect(snapshot.isTakingOver).toBe(false);
    expect(snapshot.current).toEqual({ ...FIRST, token: 'own 1' });
    expect(snapshot.wasRenewed).toBe(false);
    expect(told).toEqual([
      'opened one, user u',
      'asked dead,k1',
      'held by own 1',
      expect.stringMatching(/^warning snapshot_taken_over: .* was lost \(cut\): the run goes on in the same one/),
    ]);
  });

  it('is taken over again when the next session is lost, too', async () => {
    const { snapshot, source } = lost([heldBy('k1')], ['k1']);
    expect(await snapshot.isHeld()).toBe(true);
    source.loss = new LakeportError({ code: 'SOURCE_CONNECTION_LOST', message: 'cut' });
    expect(await snapshot.isHeld()).toBe(true);
    expect(snapshot.current.token).toBe('own 2');
  });

  it('is not taken over for the answer of a session that has been replaced meanwhile', async () => {
    const { snapshot, source } = lost([heldBy('k1')], ['k1']);
    const answers: ((isPinned: boolean) => void)[] = [];
    const ofSession = source.isPinned;
    source.isPinned = () => new Promise((resolve) => answers.push(resolve));
    const early = snapshot.isHeld();
    const late = snapshot.isHeld();
    answers[0]!(false);
    source.isPinned = ofSession;
    expect(await Promise.all([early, late])).toEqual([true, true]);
    expect(snapshot.current.token).toBe('own 1');
  });

  it.each([
    ['nobody holds any more', [heldBy('dead')], 'asked dead'],
    ['is another one', [heldBy('k1', { moment: 'later' })], undefined],
    ['is on another server', [heldBy('k1', { instance: 'two, user u' })], 'asked '],
  ])('is gone where what they hold %s, and nobody is asked again', async (_, keepers, asked) => {
    const { snapshot, source, told } = lost(keepers, ['k1']);
    expect(await snapshot.isHeld()).toBe(false);
    // As when the source holds the next one already, and the run does not read from it yet.
    source.loss = undefined;
    expect(await snapshot.isHeld()).toBe(false);
    expect(told).toEqual(asked === undefined ? [] : ['opened one, user u', asked]);
    expect(snapshot.current).toBe(FIRST);
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
