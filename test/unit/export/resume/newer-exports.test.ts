import { describe, expect, it } from 'vitest';

import { tableFormat } from '../../../../src/export/formats/formats.js';
import { newerPublisher } from '../../../../src/export/publish/newer-publisher.js';
import { refuseNewerExports } from '../../../../src/export/resume/newer-exports.js';
import type { RunPlan, TablePlan } from '../../../../src/export/model/plan.js';
import type { Storage } from '../../../../src/storage/storage.js';
import { failure } from '../../../harness/failure.js';

const BEGAN = new Date('2030-01-01T00:00:00Z');
const OWN = 'own';
const FORMAT = tableFormat({});

/** A storage with manifests, by table: run and start of the table's export. */
function storageWith(
  manifests: Readonly<Record<string, readonly [run: string, startedAt: string]>>,
  { version = 2 }: { readonly version?: number } = {},
) {
  const paths: string[] = [];
  const get = (path: string) => {
    paths.push(path);
    const table = /^s\/_(.*)\.manifest\.json$/.exec(path)?.[1];
    const found = table === undefined ? undefined : manifests[table];
    const manifest = found && { format_version: version, run_id: found[0], started_at: found[1] };
    return Promise.resolve(manifest && Buffer.from(JSON.stringify(manifest)));
  };
  // The part of a storage that is used here.
  return { storage: { get } as unknown as Storage, paths };
}

const planOf = (...names: readonly string[]) =>
  ({
    tables: names.map((name) => ({
      id: { schema: 's', name },
      storageId: 'lake',
      directory: `s/${name}`,
      displayPath: `lake/s/${name}`,
    })) as unknown as TablePlan[],
  }) as unknown as RunPlan;

describe('newer exports', () => {
  it.each([
    [['a'], 'Run other has exported s.a to the same destination since this run started: resuming'],
    [['a', 'b'], 'since this run started, and 1 other table has a newer export there too: resuming'],
    [['a', 'b', 'c'], 'since this run started, and 2 other tables have newer exports there too: resuming'],
  ])('newer exports of %j are reported with the right number', async (newer, says) => {
    const { storage } = storageWith({
      ...Object.fromEntries(newer.map((name) => [name, ['other', '2030-01-01T00:00:01Z']] as const)),
      d: ['earlier', '2029-12-31T23:59:59Z'],
      e: [OWN, '2030-01-01T00:00:01Z'],
    });
    const options = { runId: OWN, startedAt: BEGAN, format: FORMAT, storageOf: () => storage };
    const error = await failure(refuseNewerExports(planOf('a', 'b', 'c', 'd', 'e'), options));
    expect(error).toMatchObject({ code: 'NEWER_EXPORT', exit: 'usage' });
    expect(error.message).toContain(says);
    await refuseNewerExports(planOf('d', 'e', 'f'), options);
  });

  it.each([1, 2])('an export whose manifest has version %i is seen', async (version) => {
    const { storage } = storageWith({ a: ['other', '2030-01-01T00:00:01Z'] }, { version });
    const options = { runId: OWN, startedAt: BEGAN, format: FORMAT, storageOf: () => storage };
    await expect(refuseNewerExports(planOf('a'), options)).rejects.toMatchObject({ code: 'NEWER_EXPORT' });
  });

  it('the run that took over is found with a bounded number of requests', async () => {
    const { storage, paths } = storageWith({ t20: ['other', '2030-01-01T00:00:01Z'] });
    const tables = (count: number) => Array.from({ length: count }, (_, index) => `s/t${index}`);
    const of = { runId: OWN, since: BEGAN, format: FORMAT };
    expect(await newerPublisher(storage, tables(100), of)).toEqual({ runId: 'other', directory: 's/t20' });
    expect(paths.length).toBeLessThan(100);
    expect(await newerPublisher(storage, tables(10).concat(tables(10_000).slice(50)), of)).toBeUndefined();
    expect(paths.length).toBeLessThan(1000);
  });
});
