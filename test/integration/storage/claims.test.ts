import { randomUUID } from 'node:crypto';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { LakeportError } from '../../../src/errors.js';
import type { Storage } from '../../../src/storage/storage.js';
import type { CliStore } from '../../harness/cli-stores/index.js';
import { failure } from '../../harness/failure.js';
import { SharedStore } from '../../harness/shared-store.js';

const KINDS: readonly CliStore['kind'][] = ['local', 's3', 'gcs', 'azure'];
const TABLES = ['daily/public/orders', 'daily/public/customers'];

let shared: SharedStore;

function useStore(kind: CliStore['kind']): void {
  beforeAll(async () => {
    shared = await SharedStore.start(kind);
  });
  afterEach(() => shared.clear());
  afterAll(() => shared.stop());
}

describe.each(KINDS)('directories claimed in %s', (kind) => {
  useStore(kind);

  it('are refused to a later run, which is told who has them, until they are given back', async () => {
    const runId = randomUUID();
    const first = await shared.process(runId);
    await first.claim(TABLES);
    const later = await shared.open(randomUUID());
    const error = await failure(later.claim(['daily/public/items', TABLES[1]!]));
    expect(error).toMatchObject({ code: 'TARGET_IN_USE', exit: 'in-use' });
    for (const part of [runId, `process ${first.pid} on host`, later.display(TABLES[1]!)]) {
      expect(error.message).toContain(part);
    }
    await first.endRun();
    await later.claim(['daily/public/items', TABLES[1]!]);
    await later.endRun();
    expect(await shared.store.leftovers()).toEqual([]);
  });

  it('overlap with those above and below them, and with no others', async () => {
    const first = await shared.open(randomUUID());
    await first.claim(TABLES);
    const later = await shared.open(randomUUID());
    for (const directory of ['daily', 'daily/public/orders/year=2025', '']) {
      expect((await failure(later.claim([directory]))).code).toBe('TARGET_IN_USE');
    }
    await later.claim(['daily/public/orders_2', 'weekly/public/orders']);
    // The one that was refused before has not taken anything from the first one.
    await first.claim([...TABLES, 'daily/public/items']);
  });

  it('are free when their process was killed', async () => {
    const runId = randomUUID();
    const first = await shared.process(runId);
    await first.claim(TABLES);
    const later = await shared.open(randomUUID());
    expect((await failure(later.claim(TABLES))).code).toBe('TARGET_IN_USE');
    await first.kill();
    await later.claim(TABLES);
    // Now it is the dead one that comes too late.
    const resumed = await shared.open(runId);
    expect((await failure(resumed.claim(TABLES))).code).toBe('TARGET_IN_USE');
    await later.endRun();
    await resumed.claim(TABLES);
    await resumed.endRun();
    expect(await shared.store.leftovers()).toEqual([]);
  });

  it('are claimed again by the next process of the same run', async () => {
    const runId = randomUUID();
    const first = await shared.process(runId);
    await first.claim(TABLES);
    await first.kill();
    const resumed = await shared.open(runId);
    await resumed.claim(TABLES);
    expect((await failure((await shared.open(randomUUID())).claim(TABLES))).code).toBe('TARGET_IN_USE');
  });

  it('of a run that was refused are nobody’s', async () => {
    const first = await shared.open(randomUUID());
    await first.claim([TABLES[0]!]);
    const refused = await shared.open(randomUUID());
    await failure(refused.claim(TABLES));
    const third = await shared.open(randomUUID());
    await third.claim([TABLES[1]!]);
  });

  it('go with a dead run that another one sweeps away', async () => {
    const first = await shared.process(randomUUID());
    await first.claim(TABLES);
    await first.kill();
    const next = await shared.open(randomUUID());
    await next.sweep();
    await next.endRun();
    expect(await shared.store.leftovers()).toEqual([]);
  });

  it('at the same moment by several processes go to exactly one', async () => {
    const processes = await Promise.all(Array.from({ length: 4 }, () => shared.process(randomUUID())));
    for (let round = 0; round < (kind === 'local' ? 15 : 5); round++) {
      const outcomes = await Promise.all(
        processes.map((one, index) =>
          one.claim([`round_${round}/t`, `own_${index}`]).then(
            () => 'held',
            (error: unknown) => LakeportError.from(error).code,
          ),
        ),
      );
      expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(1);
      expect(outcomes.filter((outcome) => outcome === 'TARGET_IN_USE')).toHaveLength(3);
    }
  });
});

describe('directories claimed on another machine', () => {
  useStore('local');

  /** Makes the claim of a run, and its marker, those of another machine, last heard of some minutes ago. */
  async function moveAway(runId: string, minutesAgo: number): Promise<void> {
    const files = (await shared.store.leftovers()).filter((file) => file.includes(runId));
    expect(files).toHaveLength(2);
    for (const file of files.map((name) => path.join(shared.store.shownBase, name))) {
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replaceAll(/"host":"[^"]*"/g, '"host":"elsewhere"'));
      const at = new Date(Date.now() - minutesAgo * 60_000);
      await utimes(file, at, at);
    }
  }

  it.each([
    [9, false],
    [11, true],
  ])('whose run was heard of %i minutes ago are free: %s', async (minutes, isFree) => {
    const runId = randomUUID();
    const first = await shared.open(runId);
    await first.claim(TABLES);
    await moveAway(runId, minutes);
    const later = await shared.open(randomUUID());
    const attempt = later.claim(TABLES);
    if (isFree) await attempt;
    else expect((await failure(attempt)).message).toContain(`Run ${runId} (process ${process.pid} on host elsewhere)`);
  });

  it('are claimed again by the same run when it goes on here', async () => {
    const runId = randomUUID();
    await (await shared.open(runId)).claim(TABLES);
    await moveAway(runId, 11);
    const resumed = await shared.open(runId);
    await resumed.claim(TABLES);
    await resumed.endRun();
    expect(await shared.store.leftovers()).toEqual([]);
  });
});

describe('requests of claims in s3', () => {
  useStore('s3');

  async function requestsOf(use: () => Promise<unknown>): Promise<string[]> {
    const seen: string[] = [];
    shared.store.proxy!.breakBy(({ method }) => {
      seen.push(method);
      return undefined;
    });
    await use();
    shared.store.proxy!.breakBy(() => undefined);
    return seen;
  }

  async function claimMany(storage: Storage, prefix: string): Promise<void> {
    await storage.claim(Array.from({ length: 2000 }, (_, index) => `${prefix}/table_${index}`));
  }

  it('are three for any number of tables, and one more for each other run', async () => {
    const first = await shared.open(randomUUID());
    expect(await requestsOf(() => claimMany(first, 'a'))).toEqual(['PUT', 'GET', 'PUT']);
    const second = await shared.open(randomUUID());
    expect(await requestsOf(() => claimMany(second, 'b'))).toEqual(['PUT', 'GET', 'GET', 'PUT']);
  });
});
