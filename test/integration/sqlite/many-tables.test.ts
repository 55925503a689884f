import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SqliteConnection } from '../../../src/sources/sqlite/connection.js';
import { openSqliteSource } from '../../../src/sources/sqlite/source.js';
import { type TemporaryDirectory, temporaryDirectory } from '../../harness/cli.js';

/* What a file of many tables costs, in statements. */

let home: TemporaryDirectory;
beforeAll(async () => {
  home = await temporaryDirectory();
});
afterAll(() => home.remove());

/** Plans all tables of a file, as the planner does. */
async function planned(tables: number) {
  const file = path.join(home.path, `${tables}.db`);
  const database = new DatabaseSync(file);
  database.exec('BEGIN');
  for (let i = 0; i < tables; i++) {
    const key = ['id INTEGER PRIMARY KEY', 'id INTEGER PRIMARY KEY DESC', 'rowid TEXT, id INT NOT NULL'][i % 3] ?? '';
    database.exec(
      `CREATE TABLE "t'${i}" (${key}, word TEXT); INSERT INTO "t'${i}" (id, word) VALUES (7, 'a'), (9, 'b')`,
    );
  }
  database.exec('COMMIT');
  database.close();
  const queries = [vi.spyOn(SqliteConnection.prototype, 'query'), vi.spyOn(SqliteConnection.prototype, 'queryExactly')];
  const source = await openSqliteSource({ file, timeoutMs: 1000, entryId: 'db' });
  try {
    const listed = await source.listTables();
    await source.pin(listed, { consistency: 'auto' });
    const options = { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' } as const;
    const described = await source.describe(listed, options);
    for (const [i, table] of listed.entries()) {
      const one = described[i];
      if (one === undefined || 'error' in one) throw one?.error ?? new Error('nothing described');
      await source.slice(table, one.columns, { degree: 2, largeTableThreshold: 1000 });
    }
    return { listed, described, statements: queries.reduce((sum, { mock }) => sum + mock.calls.length, 0) };
  } finally {
    for (const query of queries) query.mockRestore();
    await source.close();
  }
}

test('twenty times as many tables take hardly more statements', async () => {
  const [few, many] = [await planned(10), await planned(200)];
  expect(few.statements).toBeGreaterThan(3);
  expect(many.statements).toBeLessThan(few.statements + 3);
  // And each of them is described as it is.
  const facts = many.listed.map(({ id, estimatedRows }, i) => {
    const one = many.described[i];
    if (one === undefined || 'error' in one) throw one?.error ?? new Error('nothing described');
    const columns = one.columns.map(({ spec }) => `${spec.name} ${spec.nullable ? 'nullable' : 'required'}`);
    return [id.name, estimatedRows, columns.join(', ')];
  });
  // A key with DESC is no alias of the rowid, which is 1, 2; `rowid` as a column is not the rowid either.
  expect(facts.find(([name]) => name === "t'0")?.slice(1)).toEqual([3, 'id required, word nullable']);
  expect(facts.find(([name]) => name === "t'1")?.slice(1)).toEqual([2, 'id nullable, word nullable']);
  expect(facts.find(([name]) => name === "t'2")?.slice(1)).toEqual([2, 'rowid nullable, id required, word nullable']);
});

test('a damaged table leaves the estimates of the others alone', async () => {
  const file = path.join(home.path, 'damaged.db');
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA page_size = 4096; CREATE TABLE good (id INTEGER PRIMARY KEY); INSERT INTO good VALUES (1), (5);
    CREATE TABLE bad (id INTEGER PRIMARY KEY); INSERT INTO bad VALUES (1)`);
  const row = database.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'bad'`).get() as { rootpage: number };
  database.close();
  const content = readFileSync(file);
  content.fill(0xff, (row.rootpage - 1) * 4096, row.rootpage * 4096);
  writeFileSync(file, content);
  const source = await openSqliteSource({ file, timeoutMs: 1000, entryId: 'db' });
  const listed = await source.listTables();
  await source.close();
  expect(listed.map(({ id, estimatedRows }) => [id.name, estimatedRows])).toEqual([
    ['bad', undefined],
    ['good', 5],
  ]);
});
