import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { tableFormat } from '../../../../src/export/formats/formats.js';
import type { StagedFile } from '../../../../src/export/model/slice-outcome.js';
import type { RunPlan } from '../../../../src/export/model/plan.js';
import { publishTable } from '../../../../src/export/publish/publish-table.js';
import type { PreviousAttempt } from '../../../../src/export/resume/previous-attempt.js';
import { recoverStagedFiles } from '../../../../src/export/resume/recover-staged.js';
import { Resumption } from '../../../../src/export/resume/resumption.js';
import { tableKey } from '../../../../src/model/table.js';
import { openLocalStorage } from '../../../../src/storage/local/index.js';
import type { Storage } from '../../../../src/storage/storage.js';
import { VERSION } from '../../../../src/version.js';
import { ScratchDirectory } from '../../../harness/scratch.js';
import { NO_SNAPSHOT, tablePlan } from '../../../harness/table-plans.js';

const RUN = '11111111-1111-4111-8111-111111111111';
const FORMAT = tableFormat({ manifest: 'beside' });
const STARTED = new Date('2026-01-01T00:00:01Z');
const TABLE = tablePlan('t', { slices: 2 });
const SERVER = { product: 'PostgreSQL 17.9', address: 'db.example:5432', database: 'shop' };

let scratch: ScratchDirectory;
let storage: Storage;

beforeEach(async () => {
  scratch = new ScratchDirectory();
  storage = await openLocalStorage({ id: 'test', directory: scratch.path });
});
afterEach(() => scratch.remove());

async function stage(slice: number): Promise<StagedFile> {
  const name = FORMAT.stagedName({ slice: { index: slice }, isOnlySlice: false }, 0);
  const writer = await storage.stage(`${TABLE.directory}/${name}`, { runId: RUN });
  await writer.write([new TextEncoder().encode(`slice ${slice}`)]);
  const columns = [{ name: 'n', compressedBytes: 5, uncompressedBytes: 6, values: 1, nulls: 0 }];
  return { part: await writer.end(), rows: 1, rowGroups: [{ rows: 1, bytes: 5 }], columns };
}

/** The record of a run that was killed once all of the table's slices were staged. */
function recordOf(files: readonly StagedFile[]): PreviousAttempt {
  return {
    run: {
      runId: RUN,
      startedAt: STARTED,
      toolVersion: VERSION,
      consistency: 'run',
      snapshotId: undefined,
      snapshotAt: undefined,
      tables: 1,
    },
    tables: [
      {
        jobId: 0,
        schema: 'public',
        table: 't',
        state: 'running',
        attempts: 1,
        storageId: 'test',
        path: undefined,
        rows: undefined,
        bytes: undefined,
        files: undefined,
        consistency: undefined,
        columns: undefined,
        unrepresentable: {},
        sync: undefined,
        moment: undefined,
        startedAt: STARTED,
        endedAt: undefined,
      },
    ],
    partitions: files.map((file, sliceIndex) => ({
      jobId: 0,
      sliceIndex,
      bounds: '',
      slice: TABLE.slices[sliceIndex],
      // As it comes from the log.
      staged: JSON.parse(JSON.stringify({ rows: 1, bytes: 5, unrepresentable: {}, files: [file] })) as unknown,
    })),
  };
}

describe('staged files of a killed run', () => {
  it.each([
    ['with what is known of their columns', (file: StagedFile) => file],
    [
      'of a record that does not say what is known of their columns',
      (file: StagedFile) => ({ ...file, columns: undefined }),
    ],
  ])('%s are published by its resume', async (_, recorded) => {
    const files = [await stage(0), await stage(1)].map(recorded);
    // What else of a plan there is does not matter here.
    const plan = { server: SERVER, snapshot: NO_SNAPSHOT, tables: [TABLE] } as unknown as RunPlan;
    const resumption = new Resumption(recordOf(files));
    const options = { resumption, wholeTables: false, format: FORMAT, storageOf: () => storage };
    const { recovered } = await recoverStagedFiles(plan, options);
    const found = recovered.get(tableKey(TABLE.id))!;
    const outcomes = TABLE.slices.map((slice) => ({ slice, outcome: found.outcomes.get(slice.index)! }));
    expect(outcomes.flatMap(({ outcome }) => outcome.files)).toEqual(files);

    const table = { plan: TABLE, outcomes, published: found.published, startedAt: STARTED, rowCheck: undefined };
    const context = {
      runId: RUN,
      sourceId: 'ds_pg',
      engine: 'postgres',
      compat: undefined,
      files: { codec: 'Zstd' as const, rowGroupRows: 1_000_000 },
      format: FORMAT,
    };
    const published = await publishTable(table, { ...context, plan, snapshot: NO_SNAPSHOT, storage });
    expect(published.map(({ path, rows }) => [path, rows])).toEqual([
      ['public/t/part-00000.parquet', 1],
      ['public/t/part-00001.parquet', 1],
    ]);
    expect(await scratch.files()).toEqual([
      'public/_t.manifest.json',
      'public/t/_SUCCESS',
      ...published.map(({ path }) => path),
    ]);
  });
});
