/** One type of the server with values that go to its ends, and the Parquet type that it must become. */
export interface TypeCase {
  /** Name of the table. */
  readonly name: string;
  readonly type: string;
  /** SQL expressions; each is cast to the type. */
  readonly values: readonly string[];
  /** As `columnSchemas` spells it. */
  readonly parquet: string;
  /** Statements that the type needs. */
  readonly setup?: string;
  /** SQL that makes the server print what the file must hold, where that is not the type's own text. */
  readonly printed?: string;
  /** The same for the array of the type. */
  readonly printedArray?: string;
}

const q = (...texts: readonly string[]) => texts.map((text) => `'${text.replaceAll("'", "''")}'`);

const LOCAL = 'INT64 TIMESTAMP(MICROS, local)';
const TEXT = 'BYTE_ARRAY STRING';

const SCRIPTS = [
  '',
  ' ',
  'plain',
  'NULL',
  'it\'s "quoted", {braced}, back\\slashed',
  'tab\tnewline\ncarriage\rbell\u0007delete\u007f',
  'Ελληνικά Кириллица עברית العربية ไทย 中文 日本語 한국어 हिन्दी ქართული አማርኛ',
  '😀 👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇪🇺',
  'e\u0301 vs é, ﬁ, ß, ı, İ, Ǆ',
  '\u{10FFFF}\u{FFFD}\uFFFE\uD7FF\uE000',
  'in the \uFEFF middle',
  '𝔸𝕓𝕔 𠜎 𒀀',
];

const NUMBERS: readonly TypeCase[] = [
  { name: 'boolean', type: 'boolean', values: ['true', 'false'], parquet: 'BOOLEAN' },
  { name: 'smallint', type: 'smallint', values: q('-32768', '-1', '0', '1', '32767'), parquet: 'INT32 INT(16)' },
  { name: 'integer', type: 'integer', values: q('-2147483648', '-1', '0', '1', '2147483647'), parquet: 'INT32' },
  {
    name: 'bigint',
    type: 'bigint',
    values: q('-9223372036854775808', '-9007199254740993', '-1', '0', '4294967296', '9223372036854775807'),
    parquet: 'INT64',
  },
  { name: 'oid', type: 'oid', values: q('0', '1', '2147483648', '4294967295'), parquet: 'INT64' },
  {
    name: 'real',
    type: 'real',
    values: q(
      '0',
      '-0.0',
      '1.1',
      '1e-45',
      '-1e-45',
      '1.17549435e-38',
      '3.4028235e38',
      '-3.4028235e38',
      '16777217',
      'NaN',
      'Infinity',
      '-Infinity',
    ),
    parquet: 'FLOAT',
  },
  {
    name: 'double',
    type: 'double precision',
    values: q(
      '0',
      '-0.0',
      '0.1',
      '5e-324',
      '-5e-324',
      '2.2250738585072014e-308',
      '1.7976931348623157e308',
      '-1.7976931348623157e308',
      '9007199254740993',
      '123456789012345680',
      'NaN',
      'Infinity',
      '-Infinity',
    ),
    parquet: 'DOUBLE',
  },
  { name: 'numeric_1_0', type: 'numeric(1,0)', values: q('-9', '0', '9'), parquet: 'INT32 DECIMAL(1,0)' },
  {
    name: 'numeric_5_2',
    type: 'numeric(5,2)',
    values: q('-999.99', '-0.01', '0', '0.10', '7', '999.99'),
    parquet: 'INT32 DECIMAL(5,2)',
  },
  {
    name: 'numeric_9_4',
    type: 'numeric(9,4)',
    values: q('-99999.9999', '0.0001', '10000', '12345.6789'),
    parquet: 'INT32 DECIMAL(9,4)',
  },
  {
    name: 'numeric_9_9',
    type: 'numeric(9,9)',
    values: q('-0.999999999', '0.000000001', '0', '0.1', '0.999999999'),
    parquet: 'INT32 DECIMAL(9,9)',
  },
  {
    name: 'numeric_10_0',
    type: 'numeric(10)',
    values: q('-9999999999', '0', '1000000000', '9999999999'),
    parquet: 'INT64 DECIMAL(10,0)',
  },
  {
    name: 'numeric_15_2',
    type: 'numeric(15,2)',
    values: q('-9999999999999.99', '0.01', '1234567890123.45', '9999999999999.99'),
    parquet: 'INT64 DECIMAL(15,2)',
  },
  {
    name: 'numeric_18_0',
    type: 'numeric(18,0)',
    values: q('-999999999999999999', '0', '100000000000000000', '999999999999999999'),
    parquet: 'INT64 DECIMAL(18,0)',
  },
  {
    name: 'numeric_18_18',
    type: 'numeric(18,18)',
    values: q('-0.999999999999999999', '0.000000000000000001', '0.5'),
    parquet: 'INT64 DECIMAL(18,18)',
  },
  {
    name: 'numeric_19_0',
    type: 'numeric(19,0)',
    values: q('-9999999999999999999', '0', '9223372036854775808', '9999999999999999999'),
    parquet: 'FIXED(9) DECIMAL(19,0)',
  },
  {
    name: 'numeric_28_10',
    type: 'numeric(28,10)',
    values: q('-999999999999999999.9999999999', '0.0000000001', '100000000', '123456789012345678.0123456789'),
    parquet: 'FIXED(12) DECIMAL(28,10)',
  },
  {
    name: 'numeric_38_0',
    type: 'numeric(38,0)',
    values: q(`-${'9'.repeat(38)}`, '-1', '0', '1', `1${'0'.repeat(37)}`, '9'.repeat(38)),
    parquet: 'FIXED(16) DECIMAL(38,0)',
  },
  {
    name: 'numeric_38_10',
    type: 'numeric(38,10)',
    values: q(`-${'9'.repeat(28)}.${'9'.repeat(10)}`, '0.0000000001', '10000', '0.00010000'),
    parquet: 'FIXED(16) DECIMAL(38,10)',
  },
  {
    name: 'numeric_38_38',
    type: 'numeric(38,38)',
    values: q(`-0.${'9'.repeat(38)}`, `0.${'0'.repeat(37)}1`, '0', `0.${'12345678'.repeat(4)}123456`),
    parquet: 'FIXED(16) DECIMAL(38,38)',
  },
  {
    name: 'numeric_scale_below_0',
    type: 'numeric(5,-2)',
    values: q('-9999900', '0', '100', '1234567', '9999900'),
    parquet: 'INT32 DECIMAL(7,0)',
  },
  {
    name: 'numeric_scale_above_precision',
    type: 'numeric(2,4)',
    values: q('-0.0099', '0.0001', '0.0050', '0'),
    parquet: 'INT32 DECIMAL(4,4)',
  },
  { name: 'numeric_scale_far_below_0', type: 'numeric(38,-1)', values: q('0', `${'9'.repeat(38)}0`), parquet: TEXT },
  { name: 'numeric_39', type: 'numeric(39,1)', values: q(`-${'9'.repeat(38)}.9`, '0', 'NaN'), parquet: TEXT },
  {
    name: 'numeric',
    type: 'numeric',
    values: [
      "'NaN'",
      "'Infinity'",
      "'-Infinity'",
      "'0'",
      "'0.00'",
      "'-1.50'",
      "'1e131071'",
      "'-1e-16383'",
      "'12345678901234567890.123456789012345678901234567890'",
    ],
    parquet: TEXT,
  },
  {
    name: 'money',
    type: 'money',
    values: q('-92233720368547758.08', '-0.01', '0', '92233720368547758.07'),
    parquet: 'FIXED(9) DECIMAL(19,2)',
    printed: 'v::numeric(19,2)',
    printedArray: 'CASE WHEN a IS NOT NULL THEN ARRAY(SELECT e::numeric(19,2) FROM unnest(a) e) END',
  },
];

const TEXTS: readonly TypeCase[] = [
  { name: 'text', type: 'text', values: [...q(...SCRIPTS), "repeat('ä😀', 50000)"], parquet: TEXT },
  { name: 'varchar', type: 'varchar(200)', values: q(...SCRIPTS), parquet: TEXT },
  { name: 'char_padded', type: 'char(5)', values: q('', 'a', 'ab ', 'żółć', '😀', 'full.'), parquet: TEXT },
  { name: 'char_quoted', type: '"char"', values: q('a', 'Z'), parquet: TEXT },
  { name: 'name', type: 'name', values: q('', 'x'.repeat(63), 'żółć'), parquet: TEXT },
  { name: 'of_citext', type: 'citext', values: q('Case', 'case', ''), parquet: TEXT, setup: 'CREATE EXTENSION citext' },
  {
    name: 'xml',
    type: 'xml',
    values: q('<a/>', '<a b="c">ż &amp; 😀</a>', 'text only', '<?xml version="1.0" encoding="ISO-8859-1"?><a/>'),
    parquet: TEXT,
  },
  {
    name: 'enum',
    type: 'mood',
    values: q('sad', 'ok, {fine}', 'żółć 😀'),
    parquet: TEXT,
    setup: "CREATE TYPE mood AS ENUM ('sad', 'ok, {fine}', 'żółć 😀')",
  },
  {
    name: 'json',
    type: 'json',
    values: q('{"a":  [1, 2.50],\n "a": "ż😀"}', 'null', '"text"', '1e400', '{}'),
    parquet: 'BYTE_ARRAY JSON',
  },
  {
    name: 'jsonb',
    type: 'jsonb',
    values: q('{"b": 1, "a": [true, null]}', 'null', '"ż😀"', '1e400', '[]', '12345678901234567890.000'),
    parquet: 'BYTE_ARRAY JSON',
  },
  {
    name: 'bytea',
    type: 'bytea',
    values: [
      ...q('', '\\x00', '\\xff00fe', 'plain'),
      "decode(string_agg(lpad(to_hex(n), 2, '0'), ''), 'hex') FROM generate_series(0, 255) n",
    ],
    parquet: 'BYTE_ARRAY',
  },
  {
    name: 'uuid',
    type: 'uuid',
    values: q(
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
    ),
    parquet: 'FIXED(16) UUID',
  },
];

const TIMES: readonly TypeCase[] = [
  {
    name: 'date',
    type: 'date',
    values: q(
      '4714-11-24 BC',
      '4713-01-01 BC',
      '0001-12-31 BC',
      '0001-01-01',
      '1582-10-10',
      '1969-12-31',
      '1970-01-01',
      '2000-02-29',
      '9999-12-31',
      '10000-01-01',
      '5874897-12-31',
    ),
    parquet: 'INT32 DATE',
  },
  {
    name: 'timestamp',
    type: 'timestamp',
    values: q(
      '4714-11-24 00:00:00 BC',
      '0001-12-31 23:59:59.999999 BC',
      '1969-12-31 23:59:59.999999',
      '1970-01-01',
      '2024-02-29 12:34:56.7',
      '9999-12-31 23:59:59.999999',
      '294247-01-10 04:00:54.775806',
    ),
    parquet: LOCAL,
  },
  {
    name: 'timestamp_0',
    type: 'timestamp(0)',
    values: q('4714-11-24 00:00:00 BC', '2024-02-29 12:34:56.7'),
    parquet: LOCAL,
  },
  {
    name: 'timestamptz',
    type: 'timestamptz',
    values: q(
      '4714-11-24 00:00:00+00 BC',
      '1969-12-31 23:59:59.999999+00',
      '2024-03-31 02:30:00+02',
      '2024-02-29 23:00:00.000001-12:30',
      '294247-01-10 04:00:54.775806+00',
    ),
    parquet: 'INT64 TIMESTAMP(MICROS, UTC)',
  },
  {
    name: 'time',
    type: 'time',
    values: q('00:00', '00:00:00.000001', '12:34:56.7', '23:59:59.999999'),
    parquet: 'INT64 TIME(MICROS, local)',
  },
  {
    name: 'timetz',
    type: 'timetz',
    values: q('00:00+00', '24:00:00+15:59', '23:59:59.999999-15:59:59', '12:00:00+05:30'),
    parquet: TEXT,
  },
  {
    name: 'interval',
    type: 'interval',
    values: q(
      '0',
      '1 year 2 mons 3 days 04:05:06.789',
      '-1 year -2 mons +3 days -04:05:06.789',
      '178000000 years',
      '-178000000 years',
      '0.000001 seconds',
      '2147483647 days',
    ),
    parquet: TEXT,
  },
];

const AS_TEXT: readonly TypeCase[] = (
  [
    ['inet', q('127.0.0.1', '10.0.0.0/8', '::1', '2001:db8::/32')],
    ['cidr', q('10.0.0.0/8', '::/0')],
    ['macaddr', q('08:00:2b:01:02:03')],
    ['macaddr8', q('08:00:2b:01:02:03:04:05')],
    ['bit(3)', ["B'101'", "B'000'"]],
    ['bit varying', ["B''", "B'1'", "repeat('10', 100)::bit varying"]],
    ['int4range', q('empty', '[1,10)', '(,)', '[5,)')],
    ['int8range', q('[-9223372036854775808,9223372036854775807)')],
    ['numrange', q('[1.50,2.00]', '(-Infinity,Infinity)')],
    ['tsrange', q('[2024-01-01 00:00:00,2024-01-02 12:00:00.5)', '[-infinity,infinity]')],
    ['tstzrange', q('[2024-01-01 00:00:00+02,)')],
    ['daterange', q('[2024-01-01,2024-02-01)')],
    ['int4multirange', q('{}', '{[1,3),[5,7)}')],
    ['tsvector', q("'a':1A 'fat':2B,4C 'it''s'", '')],
    ['tsquery', q("'fat' & ( 'rat' | !'cat' )")],
    ['point', q('(1,2)', '(1e-300,0.1)', '(NaN,Infinity)')],
    ['line', q('{1,-1,0}')],
    ['lseg', q('[(0,0),(1,1.5)]')],
    ['box', q('(2,2),(0,0)')],
    ['path', q('((0,0),(1,1),(2,0))', '[(0,0),(1,1)]')],
    ['polygon', q('((0,0),(1,1),(2,0))')],
    ['circle', q('<(0,0),1.5>')],
    ['pg_lsn', q('16/B374D848')],
    ['xid', q('4294967295')],
    ['regclass', q('pg_class')],
    ['jsonpath', q('$.a[*] ? (@ > 1)')],
    ['txid_snapshot', q('10:20:10,14,15')],
  ] as const
).map(([type, values]) => ({
  name: `text_${type.replaceAll(/\W/g, '_')}`,
  type,
  values,
  parquet: TEXT,
  // Its arrays are printed with another delimiter than everybody's comma.
  ...(type === 'box' ? { printedArray: 'a::text[]' } : {}),
}));

const MADE: readonly TypeCase[] = [
  {
    name: 'with_a_cast',
    type: 'spot',
    values: q('(1,2)', '(0.1,-3)'),
    parquet: TEXT,
    setup: `CREATE TYPE spot;
      CREATE FUNCTION spot_in(cstring) RETURNS spot IMMUTABLE STRICT LANGUAGE internal AS 'point_in';
      CREATE FUNCTION spot_out(spot) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'point_out';
      CREATE TYPE spot (INPUT = spot_in, OUTPUT = spot_out, LIKE = point);
      CREATE FUNCTION spot_text(spot) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS 'SELECT ''of the cast''::text';
      CREATE CAST (spot AS text) WITH FUNCTION spot_text(spot) AS IMPLICIT`,
  },
  {
    name: 'composite_with_a_cast',
    type: 'place',
    values: [
      "ROW(1, '(1,2)', '10.0.0.1', 'a \"b\", c')::place",
      'ROW(NULL, NULL, NULL, NULL)::place',
      "ROW(NULL, '(1,2)', NULL, '')::place",
    ],
    parquet: TEXT,
    setup: `CREATE TYPE place AS (n integer, spot spot, address inet, t text);
      CREATE FUNCTION place_text(place) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT ''of the cast''::text';
      CREATE CAST (place AS text) WITH FUNCTION place_text(place)`,
  },
  {
    name: 'range_of_a_type_with_a_cast',
    type: 'mood_range',
    values: q('[sad,sad]', 'empty'),
    parquet: TEXT,
    setup: `CREATE FUNCTION mood_text(mood) RETURNS text IMMUTABLE STRICT LANGUAGE sql AS 'SELECT ''of the cast''::text';
      CREATE CAST (mood AS text) WITH FUNCTION mood_text(mood) AS ASSIGNMENT;
      CREATE TYPE mood_range AS RANGE (SUBTYPE = mood)`,
  },
  {
    name: 'domain_inet',
    type: 'host',
    values: q('10.0.0.1', '10.0.0.0/8', '::1'),
    parquet: TEXT,
    setup: 'CREATE DOMAIN host AS inet',
  },
  {
    name: 'composite',
    type: 'pair',
    values: ['ROW(1, \'a "b", c\')::pair', 'ROW(NULL, NULL)::pair'],
    parquet: TEXT,
    setup: 'CREATE TYPE pair AS (n integer, t text)',
  },
  {
    name: 'of_hstore',
    type: 'hstore',
    values: q('', 'a=>1, "b c"=>NULL'),
    parquet: TEXT,
    setup: 'CREATE EXTENSION hstore',
  },
  {
    name: 'of_ltree',
    type: 'ltree',
    values: q('', 'Top.Science.Astronomy'),
    parquet: TEXT,
    setup: 'CREATE EXTENSION ltree',
  },
  { name: 'of_cube', type: 'cube', values: q('(1,2),(3,4.5)'), parquet: TEXT, setup: 'CREATE EXTENSION cube' },
  {
    name: 'domain_integer',
    type: 'percent',
    values: q('0', '100'),
    parquet: 'INT32',
    setup: 'CREATE DOMAIN percent AS integer CHECK (VALUE BETWEEN 0 AND 100)',
  },
  {
    name: 'domain_numeric',
    type: 'price',
    values: q('-0.01', '12345678.90'),
    parquet: 'INT64 DECIMAL(10,2)',
    setup: 'CREATE DOMAIN price AS numeric(10,2)',
  },
  {
    name: 'domain_of_domain',
    type: 'vat_price',
    values: q('-0.01', '12345678.90'),
    parquet: 'INT64 DECIMAL(10,2)',
    setup: 'CREATE DOMAIN vat_price AS price',
  },
  {
    name: 'domain_text',
    type: 'email',
    values: q('a@b', ''),
    parquet: TEXT,
    setup: 'CREATE DOMAIN email AS varchar(50)',
  },
  {
    name: 'domain_enum',
    type: 'good_mood',
    values: q('ok, {fine}'),
    parquet: TEXT,
    setup: "CREATE DOMAIN good_mood AS mood CHECK (VALUE <> 'sad')",
  },
];

export const TYPE_CASES: readonly TypeCase[] = [...NUMBERS, ...TEXTS, ...TIMES, ...AS_TEXT, ...MADE];

/** Statements that make the case's table: nullable, required, and the array of the type. */
export function createTable({ name, type, values, setup }: TypeCase): string {
  const typed = values.map((value) => (value.includes(' FROM ') ? `(SELECT ${value})` : `(${value})::${type}`));
  const rows = typed.map((value, i) => `(${i}, ${value}, ${value}, ARRAY[${value}, NULL]::${type}[])`);
  const first = typed[0]!;
  rows.push(`(${values.length}, NULL, ${first}, NULL)`, `(${values.length + 1}, NULL, ${first}, '{}')`);
  rows.push(`(${values.length + 2}, ${first}, ${first}, ARRAY[${typed.join(', ')}]::${type}[])`);
  return `${setup === undefined ? '' : `${setup};`}
    CREATE TABLE ${name} (id integer NOT NULL, v ${type}, r ${type} NOT NULL, a ${type}[]);
    INSERT INTO ${name} VALUES ${rows.join(',\n')};`;
}

/** Query whose text is what the case's file must hold. */
export function printQuery({ name, printed = 'v', printedArray = 'a' }: TypeCase): string {
  return `SELECT id, ${printed}, ${printed.replaceAll(/\bv\b/g, 'r')}, ${printedArray} FROM ${name}`;
}
