import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { LakeportError } from '../../../../../src/errors.js';
import { manifestPath } from '../../../../../src/export/formats/directory/manifest-path.js';
import { MANIFEST_PLACES, type ManifestPlace } from '../../../../../src/export/model/manifest-place.js';
import { isOwnPart, partName, stagedName } from '../../../../../src/export/formats/directory/file-names.js';
import { publishInOrder, type StagedParts } from '../../../../../src/export/formats/directory/publish-order.js';
import { openLocalStorage } from '../../../../../src/storage/local/index.js';
import type { Storage } from '../../../../../src/storage/storage.js';
import { ScratchDirectory } from '../../../../harness/scratch.js';

const RUN = '11111111-1111-4111-8111-111111111111';

let scratch: ScratchDirectory;
let storage: Storage;

beforeEach(async () => {
  scratch = new ScratchDirectory();
  storage = await openLocalStorage({ id: 'test', directory: scratch.path });
});
afterEach(() => scratch.remove());

const bytes = (text: string) => new TextEncoder().encode(text);
const content = (file: string) => readFileSync(path.join(scratch.path, file), 'utf8');

function write(file: string, text = 'earlier'): void {
  mkdirSync(path.dirname(path.join(scratch.path, file)), { recursive: true });
  writeFileSync(path.join(scratch.path, file), text);
}

/** A directory of `s/t` for each part; its content is its number. */
async function stage(
  directories: readonly string[],
  store: Storage = storage,
  place: ManifestPlace = 'inside',
): Promise<StagedParts> {
  const parts = [];
  for (const [index, directory] of directories.entries()) {
    const writer = await storage.stage(
      path.posix.join('s/t', directory, stagedName({ slice: { index }, isOnlySlice: false }, 0)),
      {
        runId: RUN,
      },
    );
    await writer.write([bytes(`new ${index}`)]);
    parts.push({ staged: await writer.end(), directory, isPublished: false });
  }
  const content = (names: readonly string[]) => bytes(names.join('\n'));
  return { storage: store, directory: 's/t', parts, manifestPath: manifestPath('s/t', place), manifest: content };
}

/** The real storage, but for the named operation, which fails at its nth call. */
function failing(operation: keyof Storage, call: number): Storage {
  let calls = 0;
  return new Proxy(storage, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]): unknown => {
        if (property === operation && ++calls === call) return Promise.reject(new Error('the disk is on fire'));
        return Reflect.apply(value, target, parameters);
      };
    },
  });
}

async function failure(operation: Promise<unknown>): Promise<LakeportError> {
  return operation.then(
    () => {
      throw new Error('nothing failed');
    },
    (error: unknown) => error as LakeportError,
  );
}

describe('publishing a table', () => {
  it('numbers the files in order, then writes the manifest and _SUCCESS', async () => {
    await publishInOrder(await stage(['', '', 'year=2025/month=01']));
    expect(await scratch.files()).toEqual([
      's/t/_SUCCESS',
      's/t/_manifest.json',
      's/t/part-00000.parquet',
      's/t/part-00001.parquet',
      's/t/year=2025/month=01/part-00002.parquet',
    ]);
    expect(content('s/t/part-00001.parquet')).toBe('new 1');
    expect(content('s/t/year=2025/month=01/part-00002.parquet')).toBe('new 2');
    expect(content('s/t/_manifest.json')).toBe(
      'part-00000.parquet\npart-00001.parquet\nyear=2025/month=01/part-00002.parquet',
    );
    expect(content('s/t/_SUCCESS')).toBe('');
  });

  it('replaces an earlier export, and removes only its stale files', async () => {
    const strangers = [
      's/t/README.md',
      's/t/part-00007.csv',
      's/t/part-7.parquet',
      's/t/my-part-00001.parquet',
      's/t/notes/part-00009.parquet',
      's/t/region=eu/part-00009-c000.snappy.parquet',
      's/t/eu/part-00009.parquet',
      's/t/year=2024/_keep',
      's/t/.part-00009.parquet',
      's/t2/part-00009.parquet',
    ];
    const own = [
      's/t/_SUCCESS',
      's/t/_manifest.json',
      's/t/part-00000.parquet',
      's/t/part-00001.parquet',
      's/t/part-123456.parquet',
      's/t/year=2024/part-00003.parquet',
      's/t/year=2023/month=12/day=31/part-00004.parquet',
      's/t/year=__HIVE_DEFAULT_PARTITION__/part-00005.parquet',
      's/t/year=2024/week=53/part-00006.parquet',
      's/t/region=a%2Fb/part-00007.parquet',
      's/t/partition=2024/area=%C3%A4=/part-00008.parquet',
    ];
    for (const file of [...strangers, ...own]) write(file);
    await publishInOrder(await stage(['']));
    expect(await scratch.files()).toEqual(
      [...strangers, 's/t/_SUCCESS', 's/t/_manifest.json', 's/t/part-00000.parquet'].sort(),
    );
    for (const file of strangers) expect(content(file)).toBe('earlier');
    expect(content('s/t/part-00000.parquet')).toBe('new 0');
  });

  it('removes the old _SUCCESS before the first file changes, and writes the new one last', async () => {
    write('s/t/_SUCCESS');
    write('s/t/part-00009.parquet');
    const order: string[] = [];
    const watched = new Proxy(storage, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return (...parameters: unknown[]): unknown => {
          const paths = parameters.flat().filter((one) => typeof one === 'string');
          order.push(`${String(property)} ${paths.join(' ')}`);
          return Reflect.apply(value, target, parameters);
        };
      },
    });
    await publishInOrder(await stage(['', ''], watched));
    expect(order).toEqual([
      'list s/t',
      'get s/_t.manifest.json',
      'remove s/t/_SUCCESS',
      'publish s/t/part-00000.parquet',
      'publish s/t/part-00001.parquet',
      'remove s/t/part-00009.parquet',
      'put s/t/_manifest.json',
      'persist s/t',
      'put s/t/_SUCCESS',
    ]);
  });
});

describe('the place of the manifest', () => {
  const OWN = '{"format_version": 2}';
  const OF_VERSION_1 = '{"format_version": 1}';
  const everywhere = ['s/_t.manifest.json', 's/t/_manifest.json'];

  it.each([
    ['beside', 's/_t.manifest.json'],
    ['inside', 's/t/_manifest.json'],
    ['none', undefined],
  ] as const)('%s is the only place, wherever an earlier export had its manifest', async (place, path) => {
    for (const [index, file] of everywhere.entries()) write(file, [OWN, OF_VERSION_1][index]);
    write('s/t/_SUCCESS', '');
    await publishInOrder(await stage([''], storage, place));
    const expected = ['s/t/_SUCCESS', 's/t/part-00000.parquet', ...(path === undefined ? [] : [path])];
    expect(await scratch.files()).toEqual(expected.sort());
    if (path !== undefined) expect(content(path)).toBe('part-00000.parquet');
  });

  it.each(MANIFEST_PLACES)('%s leaves files of other programs at the other places', async (place) => {
    const others = everywhere.filter((file) => file !== manifestPath('s/t', place));
    for (const file of others) write(file, '{"mine": true}');
    await publishInOrder(await stage([''], storage, place));
    for (const file of others) expect(content(file)).toBe('{"mine": true}');
  });

  it('is empty everywhere if publishing stopped halfway', async () => {
    for (const file of everywhere) write(file, OWN);
    const error = await failure(publishInOrder(await stage(['', ''], failing('publish', 2), 'beside')));
    expect(error).toMatchObject({ code: 'PUBLISH_INCOMPLETE' });
    expect((await scratch.files()).filter((file) => file.endsWith('.json'))).toEqual([]);
  });

  it('keeps its manifest if nothing was published', async () => {
    for (const file of everywhere) write(file, OWN);
    await failure(publishInOrder(await stage([''], failing('publish', 1), 'none')));
    for (const file of everywhere) expect(content(file)).toBe(OWN);
  });
});

describe('a table that cannot be published', () => {
  const EARLIER = ['s/t/_SUCCESS', 's/t/_manifest.json', 's/t/part-00000.parquet', 's/t/part-00001.parquet'];

  beforeEach(() => {
    for (const file of EARLIER) write(file, file.endsWith('_SUCCESS') ? '' : 'earlier');
  });

  it.each([
    ['its directory cannot be listed', 'list', 1],
    ['_SUCCESS cannot be removed', 'remove', 1],
    ['its first part cannot be published', 'publish', 1],
  ] as const)(
    'a failure because %s leaves the earlier export unchanged, and nothing staged',
    async (_, operation, call) => {
      const error = await failure(publishInOrder(await stage([''], failing(operation, call))));
      expect(error.message).toBe('the disk is on fire');
      expect(await scratch.files()).toEqual(EARLIER);
      expect(content('s/t/part-00000.parquet')).toBe('earlier');
      expect(content('s/t/_SUCCESS')).toBe('');
    },
  );

  it('a blocked path is found before anything changes', async () => {
    write('s/t/part-00002.parquet/x');
    const error = await failure(publishInOrder(await stage(['', '', ''])));
    expect(error).toMatchObject({ code: 'PATH_IN_THE_WAY' });
    expect(await scratch.files()).toEqual([...EARLIER, 's/t/part-00002.parquet/x']);
    expect(content('s/t/part-00000.parquet')).toBe('earlier');
  });

  it.each([
    ['a later part fails', 'publish', 2, /after 1 of 12 parts/],
    ['a stale part stays', 'remove', 2, /after 12 of 12 parts/],
    ['the manifest fails', 'put', 1, /after 12 of 12 parts/],
    ['_SUCCESS fails', 'put', 2, /after 12 of 12 parts/],
  ] as const)(
    'a failure halfway because %s is reported, and the directory does not look complete',
    async (_, operation, call, message) => {
      write('s/t/part-00099.parquet');
      const table = await stage(Array<string>(12).fill(''), failing(operation, call));
      const error = await failure(publishInOrder(table));
      expect(error).toMatchObject({ code: 'PUBLISH_INCOMPLETE', exit: 'tables-failed' });
      if (operation !== 'publish') expect(error.message).toMatch(message);
      expect(error.message).toContain('the disk is on fire');
      expect(error.hint).toContain('Do not read');
      const files = await scratch.files();
      expect(files).not.toContain('s/t/_SUCCESS');
      expect(files).not.toContain('s/t/_manifest.json');
      expect(files.filter((file) => file.endsWith('.tmp'))).toEqual([]);
    },
  );
});

describe('names of parts', () => {
  it('file names have five digits or more', () => {
    expect([0, 7, 99_999, 100_000].map(partName)).toEqual([
      'part-00000.parquet',
      'part-00007.parquet',
      'part-99999.parquet',
      'part-100000.parquet',
    ]);
  });

  it('final names are known while staging if every slice gives one file, or one slice gives all', () => {
    expect(stagedName({ slice: { index: 3 }, isOnlySlice: false }, 0)).toBe('part-00003.parquet');
    expect(stagedName({ slice: { index: 0 }, isOnlySlice: true }, 2)).toBe('part-00002.parquet');
    expect(stagedName({ slice: { index: 3 }, isOnlySlice: false }, 2)).toBe('part-00003-00002.parquet');
  });

  it("only lakeport's own file names may be removed", () => {
    expect(isOwnPart('part-00000.parquet')).toBe(true);
    expect(isOwnPart('year=2025/month=01/day=31/part-00000.parquet')).toBe(true);
    for (const other of [
      'part-0.parquet',
      'x/part-00000.parquet',
      'part-00000.parquet/x',
      'part-00000.parquet.bak',
      '',
    ]) {
      expect(isOwnPart(other)).toBe(false);
    }
  });
});
