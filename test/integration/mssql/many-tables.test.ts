import { expect, test } from 'vitest';
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

test('twenty times as many tables take no more queries of the catalog, and one without rows for each table', async () => {
  const [few, many] = [await statementsOf(10), await statementsOf(200)];
  expect(few.catalog).toBeGreaterThan(2);
  expect(many.catalog).toBe(few.catalog);
  expect([few.probes, many.probes]).toEqual([10, 200]);
});
