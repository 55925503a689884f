import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpenFile } from '../../../../src/storage/local/open-file.js';
import { LocalPartWriter } from '../../../../src/storage/local/part-writer.js';

/** So large that it is put on disk before the part ends. */
const PORTION_BYTES = 9 << 20;

let directory: string;

beforeEach(async () => (directory = await mkdtemp(path.join(os.tmpdir(), 'lakeport-part-'))));
afterEach(() => rm(directory, { recursive: true }));

function newPart() {
  const file = path.join(directory, '.part');
  const open = new OpenFile(file, 'wx');
  const writer = new LocalPartWriter({
    storageId: 'here',
    path: 'part.parquet',
    temporary: { path: '.part', file, open },
    shownPath: path.join(directory, 'part.parquet'),
    afterAbort: () => Promise.resolve(),
  });
  return { open, writer };
}

describe('what the disk refuses while more is written', () => {
  // The system tells of it once: the next fdatasync succeeds, without the bytes.
  const refused = Object.assign(new Error('No space left on device'), { code: 'ENOSPC' });

  it('fails the part at its end', async () => {
    const { open, writer } = newPart();
    const sync = vi.spyOn(open, 'sync').mockRejectedValueOnce(refused);
    await writer.write([new Uint8Array(PORTION_BYTES)]);
    await writer.write([new Uint8Array(PORTION_BYTES)]);
    await expect(writer.end()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(sync).toHaveBeenCalledOnce();
    await writer.abort();
    expect(await readdir(directory)).toEqual([]);
  });

  it('does not keep an abort from removing the part', async () => {
    const { open, writer } = newPart();
    vi.spyOn(open, 'sync').mockRejectedValueOnce(refused);
    await writer.write([new Uint8Array(PORTION_BYTES)]);
    await writer.abort();
    expect(await readdir(directory)).toEqual([]);
  });
});

it('a file is closed only when nothing puts it on disk any more', async () => {
  const { open, writer } = newPart();
  let isSyncing = false;
  const sync = open.sync.bind(open);
  vi.spyOn(open, 'sync').mockImplementation(async () => {
    isSyncing = true;
    await sync();
    await new Promise((resolve) => setTimeout(resolve, 20));
    isSyncing = false;
  });
  const close = open.close.bind(open);
  const closedAmidSync: boolean[] = [];
  vi.spyOn(open, 'close').mockImplementation(() => {
    closedAmidSync.push(isSyncing);
    close();
  });
  await writer.write([new Uint8Array(PORTION_BYTES)]);
  expect(isSyncing).toBe(true);
  await writer.abort();
  expect(closedAmidSync).toEqual([false]);
});
