import path from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyDocument } from '../../../src/cli/reports/verify-schema.js';
import { runCliHere } from '../../harness/cli-here.js';
import { parseDocument } from '../../harness/json-document.js';
import { runExportHere, type ExportRun } from '../../harness/export-run.js';
import { columnSchemas, readFooter } from '../../harness/parquet-readers/schema.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { differences, type ReaderName } from '../../harness/same-rows.js';
import { serverText } from '../../harness/server-text.js';
import { createTable, printQuery, TYPE_CASES } from '../../harness/type-cases.js';

/*
 * Every type that a column may have, from its one end to the other: what independent readers find in the file is, letter
 * by letter, what the server itself prints.
 */

const THREE_READERS = ['DuckDB', 'parquet-wasm', 'hyparquet'] as const satisfies readonly ReaderName[];

/** What parquetjs-lite knows. Its dictionaries turn values into text, which loses -0 and what is no UTF-8, and its dates end early. */
const OLD_TYPES = ['boolean', 'smallint', 'integer', 'bigint', 'text', 'varchar'];

let server: PostgresServer;
let run: ExportRun;
let compact: ExportRun;

beforeAll(async () => {
  server = await startPostgres();
  for (const typeCase of TYPE_CASES) await server.query(createTable(typeCase));
  run = await runExportHere(server);
  compact = await runExportHere(server, { args: ['--encoding', 'compact'] });
}, 180_000);

afterAll(async () => {
  await run.remove();
  await compact.remove();
  await server.stop();
});

it('all types are exported without a failure', () => {
  expect(run.cli.stderr).not.toMatch(/error/i);
  expect(run.cli.code).toBe(0);
  expect(run.result.tables).toHaveLength(TYPE_CASES.length);
});

describe.each(TYPE_CASES)('$type ($name)', (typeCase) => {
  const { name, values, parquet } = typeCase;

  it(`becomes ${parquet}`, async () => {
    const [file] = await run.files(name);
    expect(await columnSchemas(file!)).toEqual([
      { name: 'id', type: 'INT32', required: true, fieldId: 1 },
      { name: 'v', type: parquet, required: false, fieldId: 2 },
      { name: 'r', type: parquet, required: true, fieldId: 3 },
      { name: 'a', type: `LIST<${parquet}>`, required: false, fieldId: 4 },
    ]);
    const metadata = (await readFooter(file!)).key_value_metadata ?? [];
    const sourceTypes = JSON.parse(
      metadata.find(({ key }) => key === 'lakeport.source_types')?.value ?? '{}',
    ) as object;
    expect(Object.keys(sourceTypes)).toEqual(['id', 'v', 'r', 'a']);
  });

  it(`reads back as the server prints it`, async () => {
    const printed = await serverText(server, printQuery(typeCase));
    expect(printed).toHaveLength(values.length + 3);
    for (const reader of THREE_READERS) {
      expect(await differences(reader, await run.files(name), printed)).toEqual([]);
      expect(await differences(reader, await compact.files(name), printed)).toEqual([]);
    }
  });

  it('its rows are counted in the manifest', async () => {
    expect(run.table(name).rows).toBe(values.length + 3);
    expect(await run.manifest(name)).toMatchObject({ row_count: values.length + 3 });
  });
});

describe('parquetjs-lite', () => {
  it.each(OLD_TYPES)('reads %s as the server prints it', async (name) => {
    const snappy = await runExportHere(server, { args: ['-i', name, '--compression_type', 'Snappy'] });
    try {
      const typeCase = TYPE_CASES.find((candidate) => candidate.name === name)!;
      const printed = await serverText(server, printQuery(typeCase));
      expect(await differences('parquetjs-lite', await snappy.files(name), printed)).toEqual([]);
    } finally {
      await snappy.remove();
    }
  });
});

describe('compared with the server', () => {
  const verified = async () => {
    const auth = path.join(path.dirname(run.directory), 'auth.json');
    const { stdout } = await runCliHere(['verify', run.directory, '--against_source', '-a', auth, '--json']);
    return parseDocument(stdout) as VerifyDocument;
  };

  it('by its own sums and hashes, no value of any type differs', async () => {
    const { differences: found, tables, totals } = await verified();
    expect(found).toEqual([]);
    expect(totals.tables).toBe(TYPE_CASES.length);
    const byCounts = tables.flatMap((table) =>
      table.source!.counts_only.map(({ column }) => `${table.table}.${column}`),
    );
    expect(byCounts).toEqual([]);
  });

  it('one other value is found in a column of each type', async () => {
    const changed = TYPE_CASES.filter(({ values }) => values.length > 1);
    for (const { name } of changed)
      await server.query(`UPDATE "${name}" SET v = (SELECT v FROM "${name}" WHERE id = 2) WHERE id = 1`);
    const { differences: found, tables } = await verified();
    for (const { name } of changed) {
      const own = found.filter(({ table }) => table === name);
      expect(
        own.map(({ expected }) => String(expected).replace(/:.*/s, '')),
        name,
      ).toContain('v');
      expect(tables.find(({ table }) => table === name)!.source!.change).toMatchObject({ kind: 'changed' });
    }
    const isOfV = ({ check, expected }: (typeof found)[number]) =>
      check.startsWith('source_') && /^v:/.test(String(expected));
    expect(found.filter((difference) => !isOfV(difference))).toEqual([]);
  }, 60_000);
});
