import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { expect, test } from 'vitest';

import { openLocalStorage } from '../../../../src/storage/local/index.js';
import { probeStorage } from '../../../../src/storage/probe.js';

test('the probe works on a local directory too, and leaves nothing there', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'lakeport-probe-'));
  try {
    const storage = await openLocalStorage({ id: 'disk', directory });
    await probeStorage(storage);
    await storage.close();
    expect(await readdir(directory)).toEqual([]);
  } finally {
    await rm(directory, { recursive: true });
  }
});
