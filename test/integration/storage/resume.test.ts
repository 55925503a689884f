import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import type { StagedPart, Storage } from '../../../src/storage/storage.js';
import type { CliStore } from '../../harness/cli-stores/index.js';
import { failure } from '../../harness/failure.js';
import { SharedStore } from '../../harness/shared-store.js';

const KINDS: readonly CliStore['kind'][] = ['local', 's3', 'gcs', 'azure'];
const LARGE = randomBytes(6 * 1024 * 1024);
const MIDDLE = randomBytes(200_000);
const SMALL = randomBytes(1000);
const FIRST = 'public/orders/part-00000.parquet';
const SECOND = 'public/orders/part-00001.parquet';
const THIRD = 'public/orders/part-00002.parquet';

describe.each(KINDS)('what a killed process has staged in %s', (kind) => {
  let shared: SharedStore;
  let runId: string;

  beforeAll(async () => {
    shared = await SharedStore.start(kind);
  });

  afterEach(() => shared.clear());

  afterAll(() => shared.stop());

  /** A process that stages three parts and one more in part, publishes as many as it is told, and is killed. */
  async function killedRun(options: { readonly publishes?: number } = {}): Promise<StagedPart[]> {
    runId = randomUUID();
    const process = await shared.process(runId);
    const parts = [
      await process.stage(FIRST, { runId }, LARGE),
      await process.stage(SECOND, { runId, provisional: true }, MIDDLE),
      await process.stage(THIRD, { runId }, SMALL),
    ];
    await process.beginPart('public/customers/part-00000.parquet', { runId }, LARGE);
    // An upload that the store begins in the moment of death is noted by nobody: that is left to its lifecycle rule.
    await sleep(500);
    for (const part of parts.slice(0, options.publishes)) {
      if (options.publishes !== undefined) await process.publish(part, part.path);
    }
    await process.kill();
    // As from the run log.
    return JSON.parse(JSON.stringify(parts)) as StagedPart[];
  }

  async function holds(path: string, content: Buffer): Promise<boolean | undefined> {
    return (await shared.store.objects()).get(path)?.equals(content);
  }

  /** An upload that was never ended is nothing in Cloud Storage, which forgets it, and only its own process knows it. */
  async function leftovers(): Promise<string[]> {
    return (await shared.store.leftovers()).filter((name) => kind !== 'gcs' || !name.startsWith('upload of'));
  }

  function locateAll(storage: Storage, parts: readonly StagedPart[]): Promise<string[]> {
    return Promise.all(parts.map((part) => storage.locate(part, part.path)));
  }

  it('is found by the next process of the run, and published without its bytes', async () => {
    const parts = await killedRun();
    expect((await shared.store.objects()).size).toBe(0);
    const storage = await shared.open(runId);
    expect(await storage.sweep()).toBe(0);
    expect(await locateAll(storage, parts)).toEqual(['staged', 'staged', 'staged']);

    for (const part of parts) await storage.publish(part, part.path);
    // What lies in the token alone is staged for ever.
    expect(await locateAll(storage, parts)).toEqual(['published', 'published', kind === 's3' ? 'staged' : 'published']);
    await storage.endRun();
    expect([...(await shared.store.objects()).keys()]).toEqual([FIRST, SECOND, THIRD]);
    expect(await holds(FIRST, LARGE)).toBe(true);
    expect(await holds(SECOND, MIDDLE)).toBe(true);
    expect(await holds(THIRD, SMALL)).toBe(true);
    expect(await leftovers()).toEqual([]);
  });

  it('is told from what it had published already', async () => {
    const parts = await killedRun({ publishes: 2 });
    const storage = await shared.open(runId);
    expect(await locateAll(storage, parts)).toEqual(['published', 'published', 'staged']);
    await storage.publish(parts[2]!, THIRD);
    await storage.endRun();
    expect(await holds(FIRST, LARGE)).toBe(true);
    expect(await holds(THIRD, SMALL)).toBe(true);
    expect(await leftovers()).toEqual([]);
  });

  it('is gone where somebody has written other content of the same size in its place', async () => {
    const parts = await killedRun({ publishes: 2 });
    const storage = await shared.open(runId);
    await storage.put(FIRST, randomBytes(LARGE.length));
    await storage.put(SECOND, randomBytes(MIDDLE.length));
    expect(await locateAll(storage, parts.slice(0, 2))).toEqual(['gone', 'gone']);
  });

  it('is gone when it was withdrawn, or an earlier export stands in its place', async () => {
    const parts = await killedRun();
    const storage = await shared.open(runId);
    await storage.put(SECOND, MIDDLE.subarray(1));
    await storage.discard(parts[1]!);
    await storage.discard(parts[1]!);
    expect(await storage.locate(parts[1]!, SECOND)).toBe('gone');
    expect((await failure(storage.publish(parts[1]!, SECOND))).code).toMatch(/GONE/);
  });

  it('is taken away at the end of the run where it was not published', async () => {
    const parts = await killedRun();
    const storage = await shared.open(runId);
    await storage.publish(parts[0]!, FIRST);
    await storage.endRun();
    expect([...(await shared.store.objects()).keys()]).toEqual([FIRST]);
    expect(await leftovers()).toEqual([]);
    expect(await storage.locate(parts[1]!, SECOND)).toBe('gone');
  });

  it('is kept through a second kill, and by a second resume', async () => {
    const parts = await killedRun();
    const second = await shared.process(runId);
    expect(await second.locate(parts[0]!, FIRST)).toBe('staged');
    const late = await second.stage('public/customers/part-00001.parquet', { runId }, MIDDLE);
    await second.publish(parts[0]!, FIRST);
    await second.kill();

    const storage = await shared.open(runId);
    expect(await locateAll(storage, [...parts, late])).toEqual(['published', 'staged', 'staged', 'staged']);
    await storage.publish(late, late.path);
    await storage.endRun();
    expect(await holds(late.path, MIDDLE)).toBe(true);
    expect(await leftovers()).toEqual([]);
  });

  it('goes when another run begins in the same place', async () => {
    const parts = await killedRun();
    const other = await shared.open(randomUUID());
    expect(await other.sweep()).toBeGreaterThan(0);
    // Blocks at their own place can't be taken back, and are as good as gone when somebody writes there.
    const hidden = parts[1]!;
    expect(await other.locate(hidden, SECOND)).toBe('gone');
    await other.endRun();
    expect(await leftovers()).toEqual([]);
  });

  it('is refused to another process while the first one lives', async () => {
    runId = randomUUID();
    const process = await shared.process(runId);
    const part = await process.stage(FIRST, { runId }, LARGE);
    const error = await failure(shared.open(runId));
    expect(error).toMatchObject({ code: 'RUN_IS_ACTIVE', exit: 'in-use' });
    expect(error.message).toContain(`process ${process.pid}`);
    // The one that was refused has harmed nothing.
    expect(await process.locate(part, FIRST)).toBe('staged');
    await process.publish(part, FIRST);
    await process.endRun();
    expect(await holds(FIRST, LARGE)).toBe(true);
    expect(await leftovers()).toEqual([]);
  });
});
