import { expect, test } from 'vitest';
import { routeTables } from '../../../../src/export/planning/routing.js';
import type { PlanStorages } from '../../../../src/export/model/plan-storages.js';

/** What routing asks of storages. */
const storages = {
  defaultId: 'main',
  open: () => Promise.resolve({ capabilities: {}, display: (path: string) => path }),
  place: (id: string, path: string) => `${id}/${path}`,
} as unknown as PlanStorages;

const tables = ['orders', 'order_lines', 'customers'].map((name) => ({ id: { schema: 'shop', name } }));

async function warnings(...routes: readonly (readonly [patterns: string, storageId: string])[]) {
  const options = {
    subPath: '',
    manifest: 'beside' as const,
    routes: routes.map(([patterns, storageId]) => ({ patterns: patterns.split(','), storageId, subPath: '' })),
  };
  return (await routeTables(tables, options, storages)).warnings;
}

test('routes with tables cause no warning', async () => {
  expect(await warnings(['order%', 'cold'], ['shop.%', 'warm'])).toEqual([]);
});

test('a route without tables causes a warning that suggests the nearest table', async () => {
  expect(await warnings(['custommers', 'cold'])).toEqual([
    'No table is routed to cold by "custommers" of --route; the nearest existing table is shop.customers',
  ]);
  expect(await warnings(['audit_%,log_%', 'cold'])).toEqual([
    'No table is routed to cold by "audit_%", "log_%" of --route',
  ]);
});

test('a pattern without tables causes a warning even if its route has some', async () => {
  expect(await warnings(['orders,custommers', 'cold'])).toEqual([
    'No table matches "custommers" of --route; the nearest existing table is shop.customers',
  ]);
});

test('a route whose tables are all taken by an earlier one causes a warning', async () => {
  expect(await warnings(['shop.%', 'cold'], ['orders', 'warm'])).toEqual([
    'No table is routed to warm by "orders" of --route: matching tables are taken by an earlier --route',
  ]);
});
