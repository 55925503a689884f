import { describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import type { SliceTask } from '../../../src/export/worker/protocol.js';
import type { PoolListener, SliceEnd, SlicePool } from '../../../src/export/worker/slice-pool.js';
import { SliceReading } from '../../../src/fleet/slice-reader.js';
import type { StagedPart } from '../../../src/storage/storage.js';
import { NO_SNAPSHOT, tablePlan } from '../../harness/table-plans.js';

/** A slice in a worker elsewhere whose thread dies with that of another one. */

const GIVEN_BACK: SliceEnd = {
  ok: false,
  givenBack: true,
  error: new LakeportError({ code: 'READER_DIED', message: 'died' }),
};
const server = { product: 'PostgreSQL 17.9', address: 'db:5432', database: 'shop' };
const OUTCOME = { rows: 3, bytes: 30, unrepresentable: {}, files: [] };

const part = (path: string): StagedPart => ({ storageId: 'test', path, bytes: 1, sha256: '', token: {} });

/** @param onRead what becomes of the slice, each time that it is read */
function readingOf(onRead: (listener: PoolListener, reads: number) => SliceEnd) {
  const { dataset, columns, slices, storageId, directory } = tablePlan('a');
  const task: SliceTask = {
    ...{ dataset, columns, storageId, directory },
    ...{ slice: slices[0]!, snapshot: NO_SNAPSHOT, mode: 'rows', isOnlySlice: true },
  };
  let reads = 0;
  const pool: SlicePool = {
    run: (_, listener) => Promise.resolve(onRead(listener, ++reads)),
    cancel: () => undefined,
    close: () => Promise.resolve(),
  };
  const discarded: string[] = [];
  const reading = new SliceReading(
    { claim: { id: 'job', retryCount: 0 }, job: { version: '1.0.0', server, tasks: [task] } },
    {
      openPool: () => Promise.resolve(pool),
      sessionsOf: () => Promise.resolve([]),
      discard: (parts) => {
        discarded.push(...parts.map(({ path }) => path));
        return Promise.resolve();
      },
      stopWaiting: new AbortController().signal,
      onChange: () => undefined,
    },
  );
  return { reading, discarded, reads: () => reads };
}

describe('a slice whose thread died with another one', () => {
  it('is read again, without what it had staged', async () => {
    const { reading, discarded } = readingOf((listener, reads) => {
      listener.onStaged(part(`staged ${reads}`));
      return reads === 1 ? GIVEN_BACK : { ok: true, outcome: OUTCOME };
    });
    expect(await reading.read()).toEqual([{ kind: 'done', outcome: OUTCOME }]);
    expect(discarded).toEqual(['staged 1']);
    await reading.withdraw();
    expect(discarded).toEqual(['staged 1', 'staged 2']);
  });

  it('is given back where its worker ends', async () => {
    const { reading, discarded, reads } = readingOf((listener) => {
      listener.onStaged(part('staged'));
      reading.stop('given-back');
      return GIVEN_BACK;
    });
    expect(await reading.read()).toEqual([{ kind: 'given-back' }]);
    expect(discarded).toEqual(['staged']);
    expect(reads()).toBe(1);
  });
});
