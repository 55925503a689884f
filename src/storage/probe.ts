import { randomUUID } from 'node:crypto';

import { LakeportError } from '../errors.js';
import type { Storage } from './storage.js';

/** Larger than what a store may keep in memory until a part is published, so that staging reaches the store. */
const STAGED_BYTES = 256 * 1024;

/**
 * Does once, with small hidden objects, everything that an export does: marks a run, writes, reads back, lists, stages
 * and discards, deletes.
 * @throws LakeportError of the first operation that fails, as the store reports it
 */
export async function probeStorage(storage: Storage): Promise<void> {
  const runId = randomUUID();
  await storage.prepare();
  await storage.beginRun({ runId, directory: '' });
  try {
    await probeObject(storage, `.lakeport-probe-${runId}`);
    await stageAndWithdraw(storage, runId);
  } catch (error) {
    // Report the first error.
    await storage.endRun().catch(() => undefined);
    throw error;
  }
  await storage.endRun();
}

async function probeObject(storage: Storage, path: string): Promise<void> {
  const content = Buffer.from('lakeport probe');
  await storage.put(path, content);
  try {
    await expectContent(storage, path, content);
    await storage.list(`${path}-directory`);
  } catch (error) {
    await storage.remove([path]).catch(() => undefined);
    throw error;
  }
  await storage.remove([path]);
  await expectContent(storage, path, undefined);
}

async function expectContent(storage: Storage, path: string, expected: Buffer | undefined): Promise<void> {
  const found = await storage.get(path);
  if (found === undefined ? expected === undefined : expected?.equals(found) === true) return;
  throw new LakeportError({
    code: 'STORAGE_PROBE_FAILED',
    message:
      expected === undefined
        ? `${storage.display(path)} still exists after it was deleted`
        : `${storage.display(path)} does not read back as it was written`,
    hint: 'Look for a cache, a proxy or a retention policy between here and the store.',
    context: { entry: storage.id, path: storage.display(path) },
  });
}

async function stageAndWithdraw(storage: Storage, runId: string): Promise<void> {
  const writer = await storage.stage(`.lakeport-probe-${runId}.parquet`, { runId, expectedBytes: STAGED_BYTES });
  try {
    await writer.write([Buffer.alloc(STAGED_BYTES)]);
    await storage.discard(await writer.end());
  } catch (error) {
    await writer.abort().catch(() => undefined);
    throw error;
  }
}
