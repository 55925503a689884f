import { describe, expect, test } from 'vitest';
import { TypeCatalog, type PostgresType } from '../../../../src/sources/postgres/columns/type-catalog.js';
import { decimalType } from '../../../../src/columns/parquet-types.js';
import { mapType, numericShape, type MappingOptions } from '../../../../src/sources/postgres/columns/types.js';

const OPTIONS: MappingOptions = { unboundedNumeric: { as: 'text' }, moneyScale: 2, encoding: 'UTF8' };

function typeOf(name: string, given: Partial<PostgresType> = {}): PostgresType {
  return {
    oid: 1,
    schema: 'pg_catalog',
    name,
    kind: 'b',
    element: undefined,
    delimiter: ',',
    base: undefined,
    baseModifier: -1,
    extension: undefined,
    ...given,
  };
}

function map(type: PostgresType, { modifier = -1, ...options }: Partial<MappingOptions> & { modifier?: number } = {}) {
  return mapType({ type, modifier }, new TypeCatalog([type]), { ...OPTIONS, ...options });
}

/** The modifier of `numeric(p,s)`, as make_numeric_typmod of numeric.c packs it. */
const numericModifier = (precision: number, scale: number) => ((precision << 16) | (scale & 0x7ff)) + 4;

test.each([
  [[12, 2], { precision: 12, scale: 2 }],
  [[1000, 1000], { precision: 1000, scale: 1000 }],
  [[3, -2], { precision: 5, scale: 0 }],
  [[2, 5], { precision: 5, scale: 5 }],
  [[1, -1000], { precision: 1001, scale: 0 }],
] as const)('numeric(%j) is a DECIMAL of %j', ([precision, scale], expected) => {
  expect(numericShape(numericModifier(precision, scale))).toEqual(expected);
});

test('a decimal takes the fewest bytes that hold its digits', () => {
  for (let precision = 1; precision <= 18; precision++) {
    expect(decimalType(precision, 0).physical).toBe(precision <= 9 ? 'INT32' : 'INT64');
  }
  for (let precision = 19; precision <= 38; precision++) {
    const bytes = decimalType(precision, 0).length ?? 0;
    const largest = 10n ** BigInt(precision) - 1n;
    expect(largest).toBeLessThan(1n << BigInt(8 * bytes - 1));
    expect(largest).toBeGreaterThanOrEqual(1n << BigInt(8 * (bytes - 1) - 1));
  }
});

describe('a numeric that no DECIMAL holds', () => {
  const numeric = typeOf('numeric');
  test.each([-1, numericModifier(39, 2)])('becomes what --unbounded-numeric says (modifier %d)', (modifier) => {
    expect(map(numeric, { modifier })).toMatchObject({
      decoder: { kind: 'text' },
      fidelity: 'text',
      form: { as: 'text' },
    });
    expect(map(numeric, { modifier, unboundedNumeric: { as: 'double' } })).toMatchObject({
      type: { physical: 'DOUBLE' },
      decoder: { kind: 'numericDouble' },
      fidelity: 'lossy',
      form: { as: 'value' },
    });
    expect(map(numeric, { modifier, unboundedNumeric: { as: 'decimal', precision: 20, scale: 4 } })).toMatchObject({
      type: { physical: 'FIXED_LEN_BYTE_ARRAY', length: 9, logical: { kind: 'decimal', precision: 20, scale: 4 } },
      decoder: { kind: 'numeric', precision: 20, scale: 4 },
      fidelity: 'exact',
      partial: true,
    });
  });
});

test('money has the digits of its locale', () => {
  expect(map(typeOf('money'), { moneyScale: 0 })).toMatchObject({
    type: { length: 9, logical: { kind: 'decimal', precision: 19, scale: 0 } },
    decoder: { kind: 'money', scale: 0 },
    partial: false,
  });
});

test('types of extensions are known by their extension, not by their name alone', () => {
  const geometry = typeOf('geometry', { schema: 'gis', extension: 'postgis' });
  expect(map(geometry)).toMatchObject({
    type: { physical: 'BYTE_ARRAY' },
    decoder: { kind: 'bytea' },
    form: { as: 'value' },
  });
  expect(map({ ...geometry, extension: undefined })).toMatchObject({ decoder: { kind: 'text' }, form: { as: 'text' } });
  // A type that somebody calls like a built-in one.
  expect(map(typeOf('int4', { schema: 'public' }))).toMatchObject({ decoder: { kind: 'text' }, form: { as: 'text' } });
});

test('pseudo-types cannot be read', () => {
  expect(map(typeOf('record', { kind: 'p' }))).toBeUndefined();
});

test('for Spark, uuid and time are text, which holds 24:00:00 as well; all else stays', () => {
  const compat = 'spark';
  const text = { physical: 'BYTE_ARRAY', logical: { kind: 'string' } };
  for (const [name, kind] of [
    ['uuid', 'uuidText'],
    ['time', 'timeText'],
  ] as const) {
    const expected = { type: text, decoder: { kind }, fidelity: 'text', partial: false };
    expect(map(typeOf(name), { compat })).toMatchObject(expected);
    const element = typeOf(name);
    const array = typeOf(`_${name}`, { oid: 2, element: 1 });
    const mapped = mapType({ type: array, modifier: -1 }, new TypeCatalog([element, array]), { ...OPTIONS, compat });
    expect(mapped).toMatchObject({ type: text, list: true, decoder: { kind: 'array', element: kind } });
  }
  for (const name of ['int2', 'timestamptz', 'jsonb', 'bytea', 'date', 'interval']) {
    expect(map(typeOf(name), { compat })).toEqual(map(typeOf(name)));
  }
});
