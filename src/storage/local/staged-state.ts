import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

import type { StagedState, StagedPart } from '../storage.js';
import { unlessMissing } from './file-errors.js';
import { isSyncedLater } from './part-writer.js';

/**
 * The state of a staged part. Files are only read if there is no other way: to recognize a published one, and a staged one
 * of which a power failure may have left no more than the size.
 * @param files absolute paths of the temporary file and of its destination
 */
export async function standingOf(
  part: StagedPart,
  files: { readonly staged: string; readonly published: string },
): Promise<StagedState> {
  if ((await hasSize(files.staged, part.bytes)) && (!isSyncedLater(part) || (await hasContent(files.staged, part)))) {
    return 'staged';
  }
  return (await hasSize(files.published, part.bytes)) && (await hasContent(files.published, part))
    ? 'published'
    : 'gone';
}

async function hasContent(file: string, { sha256 }: StagedPart): Promise<boolean> {
  return (await unlessMissing(() => sha256Of(file))) === sha256;
}

async function hasSize(file: string, bytes: number): Promise<boolean> {
  const found = await unlessMissing(() => stat(file));
  return found !== undefined && found.isFile() && found.size === bytes;
}

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}
