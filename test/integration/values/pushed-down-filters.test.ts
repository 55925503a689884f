import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExportRun, runExportHere } from '../../harness/export-run.js';
import { type ReadAnswer, readByForeign, whyNoForeignReaders } from '../../harness/foreign-readers/index.js';
import { type TypeCase, TYPE_CASES } from '../../harness/type-cases.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/*
 * Filters that readers push down into the files - to partitions, row groups, pages and dictionaries - find the rows that the
 * same filters find among all rows: on every column, whatever its type.
 */

const KINDS = { plain: [], compact: ['--encoding', 'compact'], spark: ['--compat', 'spark'] };
/** Readers, and the files that they read. */
const CASES = [
  ...(['pyarrow', 'polars', 'duckdb'] as const).flatMap((reader) => [
    [reader, 'plain'] as const,
    [reader, 'compact'] as const,
  ]),
  ['spark', 'spark'] as const,
];
const ROWS = 1200;
/** Equal values in a row, so that row groups differ in their bounds. */
const REPEATED = 40;

/** A column of the case's values and NULL, in turn. */
function column({ name, type, values }: TypeCase): string {
  const typed = values.map((value) => (value.includes(' FROM ') ? `(SELECT ${value})` : `(${value})::${type}`));
  return `(ARRAY[${[...typed, 'NULL'].join(', ')}]::${type}[])[1 + (g / ${REPEATED}) % ${values.length + 1}] AS ${name}`;
}

const REASON = whyNoForeignReaders();

describe.skipIf(REASON !== undefined)('filters pushed down', () => {
  let server: PostgresServer;
  const runs: ExportRun[] = [];
  let answers: Record<string, ReadAnswer>;

  beforeAll(async () => {
    server = await startPostgres();
    for (const { setup } of TYPE_CASES) if (setup !== undefined) await server.query(setup);
    await server.query(`CREATE TABLE filtered AS SELECT g AS id, CASE WHEN g % 3 > 0 THEN ARRAY[g, NULL] END AS list,
      ${TYPE_CASES.map(column).join(',\n')} FROM generate_series(1, ${ROWS}) g`);
    const directories: Record<string, string> = {};
    for (const [kind, flags] of Object.entries(KINDS)) {
      const run = await runExportHere(server, { args: ['-i', 'filtered', '--row_group_rows', '200', ...flags] });
      runs.push(run);
      expect(run.result).toMatchObject({ exit_code: 0, totals: { rows: ROWS } });
      directories[kind] = path.join(run.directory, 'public/filtered');
    }
    answers = await readByForeign(
      Object.fromEntries(
        CASES.map(([reader, kind]) => [
          `${reader} ${kind}`,
          { reader: 'pushed_down', path: directories[kind]!, columns: [reader] },
        ]),
      ),
    );
  }, 600_000);

  afterAll(async () => {
    for (const run of runs) await run.remove();
    await server.stop();
  });

  it.each(CASES)('%s finds the same rows in %s files as among all rows', (reader, kind) => {
    const { rows = [], error } = answers[`${reader} ${kind}`]!;
    expect(error).toBeUndefined();
    const [[conditions, found] = [], ...differing] = rows;
    expect(differing).toEqual([]);
    // Each column is filtered by NULL, and most by some values.
    expect(conditions).toBeGreaterThan(TYPE_CASES.length);
    expect(found).toBeGreaterThan(ROWS);
  });
});
