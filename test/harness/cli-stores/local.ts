import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';

import { ScratchDirectory } from '../scratch.js';
import { type CliStore, sorted } from './store.js';

export function startCliLocal(): Promise<CliStore> {
  const scratch = new ScratchDirectory();
  const directory = path.join(scratch.path, 'lake');
  const files = async () =>
    (await scratch.files()).filter((file) => !file.endsWith('/')).map((file) => path.relative('lake', file));
  return Promise.resolve({
    kind: 'local',
    entry: { storage_type: 'local', info: { directory } },
    shownBase: directory,
    proxy: undefined,
    objects: async () => {
      const published = (await files()).filter((file) => !file.includes('.lakeport'));
      return sorted(
        await Promise.all(
          published.map(async (file): Promise<[string, Buffer]> => [file, await readFile(path.join(directory, file))]),
        ),
      );
    },
    leftovers: async () => (await files()).filter((file) => file.includes('.lakeport')),
    carriesPart: () => false,
    publishesPart: () => false,
    deletes: () => false,
    denial: { status: 0, body: '' },
    clear: () => rm(directory, { recursive: true, force: true }),
    drop: () => rm(directory, { recursive: true, force: true }),
    stop: () => {
      scratch.remove();
      return Promise.resolve();
    },
  });
}
