import { expect, test } from 'vitest';
import type { WantedType } from '../../../../src/model/wanted-type.js';
import { readOf } from '../../../../src/sources/postgres/columns/treated-columns.js';
import { type PostgresType, TypeCatalog } from '../../../../src/sources/postgres/columns/type-catalog.js';

function read(name: string, wanted: WantedType, given: Partial<PostgresType> = {}) {
  const type: PostgresType = {
    ...{ oid: 1, schema: 'pg_catalog', name, kind: 'b', element: undefined, delimiter: ',' },
    ...{ base: undefined, baseModifier: -1, extension: undefined, ...given },
  };
  const column = { name: 'c', sourceType: name, resolved: { type, modifier: -1 }, treatment: { type: wanted } };
  return readOf(column, new TypeCatalog([type]), {
    ...{ unboundedNumeric: { as: 'text' }, moneyScale: 2, encoding: 'UTF8' },
  });
}

const DECIMAL: WantedType = { as: 'decimal', precision: 5, scale: 2 };

test.each<[string, WantedType, string]>([
  ['text', DECIMAL, 'c (text) cannot be written as decimal(5,2): its values are not numbers'],
  ['bool', { as: 'json' }, 'c (bool) cannot be written as json: its values are not JSON, arrays, or text'],
  ['bytea', { as: 'double' }, 'its values are not numbers'],
  ['float8', { as: 'timestamp', unit: 'us' }, 'its values are not dates or timestamps'],
  ['time', { as: 'timestamp', unit: 'ns' }, 'its values are not dates or timestamps'],
])('%s is refused as another type, with the reason', (name, wanted, reason) => {
  expect(() => read(name, wanted)).toThrow(reason);
});

test('a type that is not built in is not taken for one of the same name', () => {
  expect(() => read('numeric', { as: 'double' }, { schema: 'mine' })).toThrow('its values are not numbers');
});

test('what loses digits is marked, and nothing else', () => {
  const fidelities = (['int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'money'] as const).map((name) => [
    name,
    read(name, { as: 'double' })?.fidelity,
    read(name, DECIMAL)?.fidelity,
  ]);
  expect(fidelities).toEqual([
    ['int2', 'exact', 'exact'],
    ['int4', 'exact', 'exact'],
    ['int8', 'lossy', 'exact'],
    ['float4', 'exact', 'lossy'],
    ['float8', 'exact', 'lossy'],
    ['numeric', 'lossy', 'lossy'],
    ['money', 'lossy', 'exact'],
  ]);
});
