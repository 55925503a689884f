import fc from 'fast-check';
import { expect, it } from 'vitest';

import { type LogicalType, type ParquetType, PHYSICAL_TYPES } from '../../../src/columns/column-spec.js';
import { parquetTypeName, readParquetTypeName } from '../../../src/columns/type-name.js';

const unit = fc.constantFrom('MICROS' as const, 'NANOS' as const);
const logical: fc.Arbitrary<LogicalType> = fc.oneof(
  fc.constantFrom('date' as const, 'string' as const, 'json' as const, 'uuid' as const).map((kind) => ({ kind })),
  fc.record({
    kind: fc.constant('integer' as const),
    bitWidth: fc.constantFrom(8 as const, 16 as const, 32 as const, 64 as const),
    signed: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('decimal' as const), precision: fc.nat(76), scale: fc.nat(76) }),
  fc.record({ kind: fc.constantFrom('time' as const, 'timestamp' as const), unit, utc: fc.boolean() }),
);
const type: fc.Arbitrary<ParquetType> = fc.record(
  { physical: fc.constantFrom(...PHYSICAL_TYPES), length: fc.integer({ min: 1, max: 64 }), logical },
  { requiredKeys: ['physical'] },
);

it('the name of every type is read back as that type', () => {
  fc.assert(
    fc.property(fc.record({ type, list: fc.boolean() }), (spec) => {
      expect(readParquetTypeName(parquetTypeName(spec))).toEqual(spec);
    }),
  );
});

it.each(['', 'INT96', 'INT32 INT(7)', 'LIST<INT32', 'BYTE_ARRAY GEOMETRY', 'INT64 DECIMAL(1)'])(
  'no type is read from %j',
  (name) => {
    expect(readParquetTypeName(name)).toBeUndefined();
  },
);
