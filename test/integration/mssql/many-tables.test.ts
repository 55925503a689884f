import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../servers/tds/open-database.js';

/* What a database of many tables costs, in statements. */

/** The statements that planning all of the tables takes: of the catalog, and of the tables themselves. */
async function statementsOf(tables: number) {
  await using open = await openDatabase(
    Array.from({ length: tables }, (_, i) => ({
      name: `t${i}`,
      columns: [
        { name: 'id', type: 'int', nullable: false },
        { name: 'word', type: 'nvarchar(9)' },
      ],
      indexes: [{ keys: ['id'], isClustered: true, isUnique: true }],
      statistics: { rows: 10, pages: 1 },
    })),
  );
  const { source, server } = open;
  const before = server.statements.length;
  const listed = await source.listTables();
  await source.pin(listed, { consistency: 'none' });
  const described = await source.describe(listed, { unboundedNumeric: { as: 'text' }, onUnrepresentable: 'error' });
  for (const [i, table] of listed.entries()) {
    const one = described[i];
    if (one === undefined || 'error' in one) throw one?.error ?? new Error('nothing described');
    await source.slice(table, one.columns, { degree: 4, largeTableThreshold: 1000 });
  }
  const statements = server.statements.slice(before);
  const probes = statements.filter((sql) => sql.includes('TOP (0)'));
  return { catalog: statements.length - probes.length, probes: probes.length };
}

test('twenty times as many tables take no more queries of the catalog, and one request without rows for a hundred', async () => {
  const [few, many] = [await statementsOf(10), await statementsOf(200)];
  expect(few.catalog).toBeGreaterThan(2);
  expect(many.catalog).toBe(few.catalog);
  expect([few.probes, many.probes]).toEqual([1, 2]);
});

describe('tables that cannot be described', () => {
  const denied = { number: 229, message: 'The SELECT permission was denied on the object' };
  const missing = { number: 208, message: 'Invalid object name' };
  const changed = { number: 207, message: 'Invalid column name' };
  const locked = { number: 1222, message: 'Lock request time out period exceeded' };

  /** What becomes of 60 tables, some of which refuse, and the requests without rows that it takes. */
  async function outcomesOf(refusals: Readonly<Record<number, { number: number; message: string }>>) {
    await using open = await openDatabase(
      Array.from({ length: 60 }, (_, i) => ({
        name: `t${String(i).padStart(2, '0')}`,
        columns: [{ name: `c${i}`, type: i % 2 === 0 ? 'int' : 'nvarchar(9)' }],
        ...(refusals[i] !== undefined && { refuses: refusals[i] }),
      })),
    );
    const listed = await open.source.listTables();
    const before = open.server.statements.length;
    const described = await open.source.describe(listed, {
      unboundedNumeric: { as: 'text' },
      onUnrepresentable: 'error',
    });
    const outcomes = described.map((one) =>
      'error' in one ? one.error.code : one.columns.map(({ spec }) => spec.name),
    );
    const probes = open.server.statements.slice(before).filter((sql) => sql.includes('TOP (0)'));
    return { outcomes, probes: probes.length };
  }
  const expected = (codes: Readonly<Record<number, string>>) =>
    Array.from({ length: 60 }, (_, i) => codes[i] ?? [`c${i}`]);

  test('tables without a grant are told each by its own error, and cost one request each', async () => {
    const { outcomes, probes } = await outcomesOf({ 0: denied, 7: denied, 8: denied, 59: denied });
    const code = 'TABLE_PERMISSION_DENIED';
    expect(outcomes).toEqual(expected({ 0: code, 7: code, 8: code, 59: code }));
    expect(probes).toBe(1 + 4);
  });

  test('a missing object, at which the server stops, keeps none of the tables behind it from being described', async () => {
    const { outcomes, probes } = await outcomesOf({ 3: missing, 30: missing });
    expect(outcomes).toEqual(expected({ 3: 'TABLE_NOT_FOUND', 30: 'TABLE_NOT_FOUND' }));
    expect(probes).toBe(3 + 2);
  });

  test('a column that has gone, for which the server runs none of the statements, is found by halves', async () => {
    const { outcomes, probes } = await outcomesOf({ 41: changed });
    expect(outcomes).toEqual(expected({ 41: 'TABLE_CHANGED' }));
    expect(probes).toBeLessThan(20);
  });

  test('a lock is waited for twice at most', async () => {
    const { outcomes, probes } = await outcomesOf({ 58: locked });
    expect(outcomes).toEqual(expected({ 58: 'TABLE_LOCKED' }));
    expect(probes).toBe(2);
  });

  test('each of all tables without a grant has its own error', async () => {
    const { outcomes } = await outcomesOf(Object.fromEntries(Array.from({ length: 60 }, (_, i) => [i, denied])));
    expect(new Set(outcomes)).toEqual(new Set(['TABLE_PERMISSION_DENIED']));
  });
});
