import { describe, expect, it } from 'vitest';

import { parquetTypeName } from '../../../../src/columns/type-name.js';
import { attributesOf } from '../../../../src/export/cdm/attribute.js';
import { foldersOf } from '../../../../src/export/cdm/folders.js';
import { manifestDocument } from '../../../../src/export/cdm/manifest-document.js';
import { entityFileName, entityPath } from '../../../../src/export/cdm/names.js';
import { relationshipsOf } from '../../../../src/export/cdm/relationships.js';
import type { DescribedTable } from '../../../../src/export/formats/table-format.js';
import { displayType } from '../../../../src/sources/mssql/columns/type-names.js';
import { mapType } from '../../../../src/sources/mssql/columns/types.js';
import { encodeSegment } from '../../../../src/storage/path.js';

const NO_ORIGIN: DescribedTable['origin'] = {
  ...{ engine: undefined, entry: undefined, database: undefined, query: undefined, compat: undefined },
  ...{
    predicates: [],
    isSample: false,
    isSynced: false,
    seen: { snapshot: undefined, takenAt: undefined },
    levels: [],
  },
};

function described(directory: string, more: Partial<DescribedTable> = {}): DescribedTable {
  const [name = '', schema] = directory.split('/').reverse();
  return {
    ...{
      runId: 'r',
      engine: 'postgres',
      database: 'shop',
      schema,
      name,
      directory,
      deleted: [],
      files: [],
      columns: [],
      levels: [],
      origin: NO_ORIGIN,
    },
    ...{ comment: undefined, primaryKey: undefined, foreignKeys: [], endedAt: undefined },
    ...more,
  };
}

const plain = (name: string, mask?: string) => ({
  ...{ name, type: 'INT32', nullable: true, nulls: 0, sourceType: 'int', comment: undefined, mask },
  ...{ isTextByValues: false, isAdded: false, unrepresentable: 0 },
});

describe('attributes of SQL Server', () => {
  /** Type with length, precision and scale as the catalog has them; the format, and the length or shape. */
  const TYPES: readonly (readonly [name: string, size: readonly [number, number, number], expected: object])[] = [
    ['bit', [1, 1, 0], { dataFormat: 'Boolean' }],
    ['tinyint', [1, 3, 0], { dataFormat: 'Int16' }],
    ['smallint', [2, 5, 0], { dataFormat: 'Int16' }],
    ['int', [4, 10, 0], { dataFormat: 'Int32' }],
    ['bigint', [8, 19, 0], { dataFormat: 'Int64' }],
    ['real', [4, 24, 0], { dataFormat: 'Float' }],
    ['float', [8, 53, 0], { dataFormat: 'Double' }],
    ['money', [8, 19, 4], { dataFormat: 'Decimal', shape: ['19', '4'] }],
    ['smallmoney', [4, 10, 4], { dataFormat: 'Decimal', shape: ['10', '4'] }],
    ['decimal', [9, 12, 2], { dataFormat: 'Decimal', shape: ['12', '2'] }],
    ['numeric', [17, 38, 0], { dataFormat: 'Decimal', shape: ['38', '0'] }],
    ['char', [3, 0, 0], { dataFormat: 'String', maximumLength: 3 }],
    ['varchar', [20, 0, 0], { dataFormat: 'String', maximumLength: 20 }],
    ['varchar', [-1, 0, 0], { dataFormat: 'String' }],
    ['nchar', [6, 0, 0], { dataFormat: 'String', maximumLength: 3 }],
    ['nvarchar', [40, 0, 0], { dataFormat: 'String', maximumLength: 20 }],
    ['text', [16, 0, 0], { dataFormat: 'String' }],
    ['xml', [-1, 0, 0], { dataFormat: 'String' }],
    ['binary', [16, 0, 0], { dataFormat: 'Binary', maximumLength: 16 }],
    ['varbinary', [-1, 0, 0], { dataFormat: 'Binary' }],
    ['rowversion', [8, 0, 0], { dataFormat: 'Binary' }],
    ['date', [3, 10, 0], { dataFormat: 'Date' }],
    ['time', [5, 16, 7], { dataFormat: 'Time' }],
    ['smalldatetime', [4, 16, 0], { dataFormat: 'DateTime' }],
    ['datetime', [8, 23, 3], { dataFormat: 'DateTime' }],
    ['datetime2', [8, 27, 7], { dataFormat: 'DateTime' }],
    ['datetimeoffset', [10, 34, 7], { dataFormat: 'DateTimeOffset' }],
    ['uniqueidentifier', [16, 0, 0], { dataFormat: 'Guid' }],
    ['sql_variant', [8016, 0, 0], { dataFormat: 'String' }],
    ['json', [-1, 0, 0], { dataFormat: 'String' }],
  ];
  const styles = { allDigits: true, hexadecimal: true };

  function attributeOf(name: string, [maxLength, precision, scale]: readonly [number, number, number], alias?: string) {
    const type = { name, precision, scale, isAssembly: false };
    const catalog = { type: name, maxLength, precision, scale, userType: alias, isAssembly: false };
    const column = {
      ...plain('c'),
      type: parquetTypeName({ type: mapType(type, { timestampUnit: 'us', styles }).type, list: false }),
      sourceType: displayType(catalog as unknown as Parameters<typeof displayType>[0]),
    };
    return attributesOf(described('dbo/t', { engine: 'mssql', columns: [column] }))[0];
  }

  it.each(TYPES)('%s %j', (name, size, expected) => {
    const { dataFormat, maximumLength, appliedTraits = [] } = attributeOf(name, size) ?? {};
    const shape = appliedTraits.flatMap((trait) =>
      typeof trait === 'string' ? [] : (trait.arguments ?? []).map(({ value }) => value),
    );
    const length = maximumLength === undefined ? {} : { maximumLength };
    expect({ dataFormat, ...length, ...(shape.length > 0 && { shape }) }).toEqual(expected);
  });

  it('have the length of the base of an alias type', () => {
    expect(attributeOf('nvarchar', [40, 0, 0], 'dbo.phone')?.maximumLength).toBe(20);
  });
});

describe('attributes', () => {
  it.each([
    ['INT32 UINT(16)', 'Int32', []],
    ['INT32 UINT(32)', 'Int64', []],
    ['INT64 UINT(64)', 'Decimal', ['20', '0']],
    ['INT64 TIMESTAMP(NANOS, UTC)', 'DateTimeOffset', []],
    ['something new', 'String', []],
  ])('of files with %s are %s', (type, dataFormat, shape) => {
    const [attribute] = attributesOf(described('s/t', { columns: [{ ...plain('c'), type }] }));
    expect(attribute).toMatchObject({ dataFormat });
    expect(JSON.stringify(attribute?.appliedTraits ?? []).match(/(?<="value":")\d+/g) ?? []).toEqual(shape);
  });

  it('have no length where values are masked, or the engine enforces none', () => {
    const column = { ...plain('c'), type: 'BYTE_ARRAY STRING', sourceType: 'varchar(20)' };
    const lengthOf = (more: object, engine = 'postgres') =>
      attributesOf(described('s/t', { engine, columns: [{ ...column, ...more }] }))[0]?.maximumLength;
    expect([lengthOf({}), lengthOf({ mask: 'hash' }), lengthOf({}, 'sqlite')]).toEqual([20, undefined, undefined]);
    expect([lengthOf({ sourceType: 'bit(3)' }), lengthOf({ sourceType: 'numeric(50,10)' })]).toEqual([3, undefined]);
  });
});

describe('folders', () => {
  const folders = (...directories: readonly string[]) =>
    foldersOf(directories.map((directory) => described(directory))).map(({ directory, schema, tables, below }) => [
      ...[directory, schema, tables.map(({ name }) => name), below.map((inner) => inner.schema)],
    ]);

  it('of one schema have none above', () => {
    expect(folders('s/b', 's/a')).toEqual([['s', 's', ['a', 'b'], []]]);
  });

  it('of several schemas, or a query beside one, have one above, which comes last', () => {
    expect(folders('s/a', 'r/a')).toEqual([
      ['r', 'r', ['a'], []],
      ['s', 's', ['a'], []],
      ['', undefined, [], ['r', 's']],
    ]);
    expect(folders('s/a', 'q')).toEqual([
      ['s', 's', ['a'], []],
      ['', undefined, ['q'], ['s']],
    ]);
  });

  it('of routes to other directories are apart', () => {
    const below = foldersOf([
      described('cold/s/a', { schema: 's', name: 'a' }),
      described('s/a', { schema: 's', name: 'a' }),
    ]);
    expect(below.map(({ directory }) => directory)).toEqual(['cold/s', 's']);
  });
});

describe('relationships', () => {
  const key = { name: undefined, columns: ['a'], references: { table: { schema: 's', name: 'to' }, columns: ['b'] } };
  const between = (from: string | undefined, to: string | undefined, columns = ['a', 'b']) => {
    const [folder] = foldersOf([
      described('s/from', { columns: columns.includes('a') ? [plain('a', from)] : [], foreignKeys: [key] }),
      described('s/to', { columns: columns.includes('b') ? [plain('b', to)] : [] }),
    ]);
    return folder === undefined ? undefined : relationshipsOf(folder).length;
  };

  it('are told if the values of both ends match', () => {
    expect([between(undefined, undefined), between('hash', 'hash')]).toEqual([1, 1]);
    expect([between('hash', undefined), between(undefined, 'hash'), between('redact', 'redact')]).toEqual([0, 0, 0]);
  });

  it('are left out without one of the columns, or the table', () => {
    expect([between(undefined, undefined, ['a']), between(undefined, undefined, ['b'])]).toEqual([0, 0]);
    const [alone] = foldersOf([described('s/from', { columns: [plain('a')], foreignKeys: [key] })]);
    expect(alone === undefined ? undefined : relationshipsOf(alone)).toEqual([]);
  });
});

describe('names', () => {
  it.each([
    ['orders', 'orders.cdm.json/orders'],
    ['a/b', 'a%2Fb.cdm.json/a%2Fb'],
    ['a:b', 'a%3Ab.cdm.json/a%3Ab'],
    ['x=y', 'x%3Dy.cdm.json/x=y'],
    ['default.manifest', 'default%2Emanifest.cdm.json/default.manifest'],
    ['a.FOLIO', 'a%2EFOLIO.cdm.json/a.FOLIO'],
    ['x.cdm.json', 'x.cdm%2Ejson.cdm.json/x.cdm.json'],
  ])('%s is defined in %s', (name, expected) => {
    expect(entityPath(described(`s/${encodeSegment(name)}`, { name }))).toBe(expected);
  });

  it('of documents never are those of a manifest', () => {
    const names = ['manifest', 'default.manifest', 'default', 'model'].map((name) =>
      entityFileName(described(`s/${encodeSegment(name)}`)),
    );
    expect(names).toEqual(['manifest.cdm.json', 'default%2Emanifest.cdm.json', 'default.cdm.json', 'model.cdm.json']);
  });

  it('of manifests are the database where there is no schema', () => {
    const [folder] = foldersOf([described('q', { schema: undefined })]);
    const options = { runId: 'r', manifestName: undefined, fileName: 'manifest.json' as const };
    expect(folder && manifestDocument(folder, options).manifestName).toBe('shop');
  });
});
