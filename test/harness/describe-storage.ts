import { createHash, randomBytes, randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { LakeportError } from '../../src/errors.js';
import type { PartWriter, StagedPart, StageOptions, Storage } from '../../src/storage/storage.js';
import type { CliStore } from './cli-stores/index.js';
import { failure } from './failure.js';
import { SharedStore } from './shared-store.js';

const TABLE = 'public/orders';
const MIB = 1024 * 1024;
const [PART_0, PART_1, PART_2] = [0, 1, 2].map((number) => `${TABLE}/part-0000${number}.parquet`) as [
  string,
  string,
  string,
];

/** What `Storage` promises, as each store has to keep it. */
export function describeStorage(kind: CliStore['kind']): void {
  describe(`a storage in ${kind}`, () => {
    const runId = randomUUID();
    let shared: SharedStore;
    let storage: Storage;

    beforeAll(async () => {
      shared = await SharedStore.start(kind);
    });
    beforeEach(async () => {
      storage = await shared.open();
    });
    afterEach(() => shared.clear());
    afterAll(() => shared.stop());

    const objects = async () =>
      Object.fromEntries(Array.from(await shared.store.objects(), ([path, content]) => [path, content.toString()]));

    /** What is left of parts: a store may keep its notes of them until the run ends. */
    const staged = async () => (await shared.store.leftovers()).filter((left) => !left.includes('/.lakeport/uploads-'));

    async function begin(path: string, content: Uint8Array, options: Partial<StageOptions> = {}): Promise<PartWriter> {
      const writer = await storage.stage(path, { runId, ...options });
      for (let at = 0; at < content.length; at += 700_001) await writer.write([content.subarray(at, at + 700_001)]);
      return writer;
    }

    /** As the run log gives it back. */
    async function stage(path: string, content: Uint8Array, options?: Partial<StageOptions>): Promise<StagedPart> {
      const part = await (await begin(path, content, options)).end();
      return JSON.parse(JSON.stringify(part)) as StagedPart;
    }

    describe('stages parts', () => {
      it.each([0, 1, 100_000, MIB, 11 * MIB + 17])(
        'of %i bytes, and shows them when they are published',
        async (size) => {
          const content = randomBytes(size);
          const part = await stage(PART_0, Buffer.from(content));
          const sha256 = createHash('sha256').update(content).digest('hex');
          expect(part).toMatchObject({ storageId: 'lake', path: PART_0, bytes: size, sha256 });
          expect(await storage.list('')).toEqual([]);
          expect((await shared.store.objects()).size).toBe(0);
          await storage.publish(part, PART_0);
          expect((await shared.store.objects()).get(PART_0)?.equals(content)).toBe(true);
          expect(await storage.list('public')).toMatchObject([{ path: PART_0, bytes: size }]);
          expect(await staged()).toEqual([]);
        },
      );

      it('that replace what is at their place, which stays until then', async () => {
        await storage.put(PART_0, Buffer.from('old'));
        const part = await stage(PART_0, randomBytes(MIB));
        expect(await objects()).toEqual({ [PART_0]: 'old' });
        await storage.publish(part, PART_0);
        expect((await storage.get(PART_0))?.length).toBe(MIB);
      });

      it('that take the numbers of empty ones, even all at once', async () => {
        const second = await stage(PART_1, Buffer.alloc(MIB, 'a'));
        const third = await stage(PART_2, Buffer.alloc(MIB, 'b'));
        await Promise.all([storage.publish(second, PART_0), storage.publish(third, PART_1)]);
        const published = await objects();
        expect(Object.keys(published)).toEqual([PART_0, PART_1]);
        expect([published[PART_0]?.[0], published[PART_1]?.[0]]).toEqual(['a', 'b']);
        expect(await staged()).toEqual([]);
      });

      it('that take any name where they were staged provisionally', async () => {
        const first = await stage(PART_0, Buffer.alloc(MIB, 'a'), { provisional: true });
        const twin = await stage(PART_0, Buffer.alloc(MIB, 'b'), { provisional: true });
        await storage.publish(twin, PART_1);
        await storage.publish(first, PART_2);
        const published = await objects();
        expect([published[PART_1]?.[0], published[PART_2]?.[0]]).toEqual(['b', 'a']);
        expect(Object.keys(published)).toHaveLength(2);
      });

      it('that another storage of the same place publishes', async () => {
        const part = await stage(PART_0, randomBytes(MIB));
        await (await shared.open()).publish(part, PART_0);
        expect(Object.keys(await objects())).toEqual([PART_0]);
      });

      it('and knows where they stand', async () => {
        const part = await stage(PART_0, randomBytes(MIB));
        // What Azure holds at a part's own place can't be taken back; under a hidden name it can, in every store.
        const other = await stage(PART_1, randomBytes(MIB), { provisional: true });
        expect(await storage.locate(part, PART_0)).toBe('staged');
        await storage.publish(part, PART_0);
        expect(await storage.locate(part, PART_0)).toBe('published');
        await storage.discard(other);
        expect(await storage.locate(other, PART_1)).toBe('gone');
        await storage.put(PART_0, Buffer.from('other'));
        expect(await storage.locate(part, PART_0)).toBe('gone');
      });

      it.each([false, true])(
        'that leave nothing when aborted or discarded, twice (provisional: %s)',
        async (provisional) => {
          const writer = await begin(PART_0, randomBytes(6 * MIB), { provisional });
          await writer.abort();
          await writer.abort();
          const ended = await begin(PART_0, randomBytes(MIB), { provisional });
          const part = await ended.end();
          await storage.discard(part);
          await storage.discard(part);
          expect(await objects()).toEqual({});
          expect((await shared.store.leftovers()).filter((left) => left.includes('.tmp'))).toEqual([]);
          // See above.
          if (kind === 'azure' && !provisional) return;
          expect((await failure(storage.publish(part, PART_0))).code).toMatch(/^(?:STAGED_PART|S3_UPLOAD)_GONE$/);
        },
      );

      it('and refuses those of other stores, and other directories', async () => {
        await storage.put(PART_0, Buffer.from('precious'));
        const part = await stage(PART_1, randomBytes(MIB));
        for (const token of [{}, { file: PART_0 }, { object: PART_0, nonce: 'x' }, { kind: 'upload', key: PART_0 }]) {
          const forged = { ...part, token };
          for (const attempt of [
            () => storage.publish(forged, PART_0),
            () => storage.locate(forged, PART_0),
            () => storage.discard(forged),
          ]) {
            expect(await refusal(attempt)).toMatchObject({
              code: 'STAGED_ELSEWHERE',
              exit: 'unexpected',
            });
          }
        }
        const elsewhere = await failure(storage.publish(part, 'public/items/part-00000.parquet'));
        expect(elsewhere.code).toBe('PART_OF_OTHER_DIRECTORY');
        expect(await objects()).toEqual({ [PART_0]: 'precious' });
      });
    });

    it.each(['../x', '/x', 's/../../x', 's//x', 'a\\b'])('refuses the path %j', async (bad) => {
      for (const attempt of [
        () => storage.stage(bad, { runId }),
        () => storage.put(bad, Buffer.from('x')),
        () => storage.get(bad),
        () => storage.list(bad),
        () => storage.remove([bad]),
      ]) {
        expect(await refusal(attempt)).toMatchObject({ code: 'UNSAFE_PATH' });
      }
    });

    describe('keeps objects', () => {
      it('that are put, replaced, read, listed and removed, twice', async () => {
        const odd = `${TABLE}/ü %2F+.json`;
        await storage.put(odd, Buffer.from('one'));
        await storage.put(odd, Buffer.from('three'));
        await storage.put(`${TABLE}/_SUCCESS`, new Uint8Array());
        await storage.put(`${TABLE}_2/_SUCCESS`, new Uint8Array());
        expect(Buffer.from((await storage.get(odd))!).toString()).toBe('three');
        expect(await storage.get(`${TABLE}/none`)).toBeUndefined();
        const listed = (await storage.list(TABLE)).map(({ path, bytes }) => [path, bytes]).sort();
        expect(listed).toEqual([
          [`${TABLE}/_SUCCESS`, 0],
          [odd, 5],
        ]);
        await storage.remove([odd, `${TABLE}/none`]);
        await storage.remove([odd]);
        expect(Object.keys(await objects())).toEqual([`${TABLE}/_SUCCESS`, `${TABLE}_2/_SUCCESS`]);
      });

      it('of which ranges are read, as far as there are bytes', async () => {
        await storage.put(PART_0, Buffer.from('0123456789'));
        const read = async (start: number, end?: number) =>
          Buffer.from((await storage.get(PART_0, { start, end }))!).toString();
        expect(await read(0, 4)).toBe('0123');
        expect(await read(3, 4)).toBe('3');
        expect(await read(6)).toBe('6789');
        expect(await read(6, 100)).toBe('6789');
        expect(await read(10, 20)).toBe('');
        expect(await read(100)).toBe('');
        expect(await storage.get(PART_1, { start: 0, end: 4 })).toBeUndefined();
      });

      it('of which each is found by its name, and directories are not', async () => {
        await storage.put(PART_0, Buffer.from('0123456789'));
        expect(await storage.find(PART_0)).toMatchObject({ path: PART_0, bytes: 10 });
        expect(await storage.find(PART_1)).toBeUndefined();
        expect(await storage.find(TABLE)).toBeUndefined();
      });
    });

    describe('keeps runs', () => {
      it('that leave nothing of themselves when they end', async () => {
        const run = await shared.open(runId);
        await run.claim([TABLE]);
        await run.confirmClaim();
        await stage(PART_0, randomBytes(MIB));
        await stage(PART_1, randomBytes(MIB), { provisional: true });
        await run.endRun();
        const left = (await shared.store.leftovers()).filter((one) => one.includes('.lakeport'));
        expect(left).toEqual([]);
      });

      it('of which each id has one process', async () => {
        await shared.process(runId);
        expect(await failure(shared.open(runId))).toMatchObject({ code: 'RUN_IS_ACTIVE', exit: 'in-use' });
      });

      it('whose parts stay while they live, and go when they are dead', async () => {
        const other = await shared.process(runId);
        const staged = await stage(PART_0, randomBytes(MIB), { provisional: true });
        const run = await shared.open(randomUUID());
        expect(await run.sweep()).toBe(0);
        expect(await run.locate(staged, PART_0)).toBe('staged');
        await other.kill();
        expect(await run.sweep({ runIds: new Set([randomUUID()]) })).toBe(0);
        expect(await run.sweep({ runIds: new Set([runId]), isDryRun: true })).toBe(1);
        expect(await run.locate(staged, PART_0)).toBe('staged');
        expect(await run.sweep({ runIds: new Set([runId]) })).toBe(1);
        await run.endRun();
        expect((await shared.store.leftovers()).filter((one) => one.includes(`run-${runId}`))).toEqual([]);
      });

      it('whose next process publishes what the dead one has staged', async () => {
        const first = await shared.process(runId);
        const staged = await stage(PART_0, randomBytes(MIB));
        await first.kill();
        const resumed = await shared.open(runId);
        expect(await resumed.sweep()).toBe(0);
        expect(await resumed.locate(staged, PART_0)).toBe('staged');
        await resumed.publish(staged, PART_0);
        await resumed.endRun();
        expect(Object.keys(await objects())).toEqual([PART_0]);
        expect(await shared.store.leftovers()).toEqual([]);
      });
    });
  });
}

function refusal(attempt: () => Promise<unknown>): Promise<LakeportError> {
  return failure(
    (async () => {
      await attempt();
    })(),
  );
}
