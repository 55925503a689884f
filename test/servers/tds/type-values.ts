import type { WireValue } from './result-set.js';

/** Values of every type, the extremes among them. */

const NINES = '9'.repeat(38);
const decimals = ([precision, scale]: readonly [number, number]): [string, string[]] => {
  const point = (digits: string) =>
    scale === 0 ? digits : `${digits.slice(0, -scale) || '0'}.${digits.slice(-scale).padStart(scale, '0')}`;
  const most = point(NINES.slice(0, precision));
  const one = point('1'.padStart(scale + 1, '0'));
  return [`decimal(${precision},${scale})`, [most, `-${most}`, one, `-${one}`, '0']];
};
const SHAPES: readonly (readonly [number, number])[] = [
  [1, 0],
  [9, 0],
  [9, 9],
  [10, 0],
  [10, 2],
  [18, 0],
  [18, 18],
  [19, 0],
  [19, 4],
  [20, 10],
  [28, 14],
  [29, 0],
  [29, 29],
  [38, 0],
  [38, 10],
  [38, 38],
];

const SCALES = [0, 1, 2, 3, 4, 5, 6, 7];
const digits = (text: string, scale: number) => (scale === 0 ? text : `${text}.${'9876543'.slice(0, scale)}`);

const bytes = (...values: number[]) => Uint8Array.from(values);

export const TYPE_VALUES: readonly (readonly [type: string, values: readonly WireValue[]])[] = [
  ['bit', [0, 1]],
  ['tinyint', [0, 1, 127, 128, 255]],
  ['smallint', [-32768, -1, 0, 32767]],
  ['int', [-2147483648, -1, 0, 2147483647]],
  ['bigint', ['-9223372036854775808', -1, 0, '9007199254740993', '9223372036854775807']],
  ['real', [0, -1.5, 3.4028234663852886e38, 1.1754943508222875e-38, 0.1]],
  ['float', [0, -0, 0.1, 1.7976931348623157e308, -2.2250738585072014e-308, Math.PI]],
  ...SHAPES.map(decimals),
  ['numeric(12,3)', ['-123456789.012']],
  ['money', ['-922337203685477.5808', '922337203685477.5807', '-0.0001', '0', '123456789012.3456']],
  ['smallmoney', ['-214748.3648', '214748.3647', '-0.0001', '0']],
  ['date', ['0001-01-01', '1582-10-15', '1899-12-31', '1969-12-31', '1970-01-01', '2024-02-29', '9999-12-31']],
  ...SCALES.map((scale): [string, string[]] => [
    `time(${scale})`,
    ['00:00:00', digits('23:59:59', scale), digits('12:34:56', scale)],
  ]),
  ...SCALES.map((scale): [string, string[]] => [
    `datetime2(${scale})`,
    [
      '0001-01-01T00:00:00',
      digits('1969-12-31T23:59:59', scale),
      digits('2024-02-29T12:34:56', scale),
      digits('9999-12-31T23:59:59', scale),
    ],
  ]),
  ...[0, 3, 7].map((scale): [string, string[]] => [
    `datetimeoffset(${scale})`,
    [
      digits('2024-02-29T12:34:56', scale) + '+05:30',
      digits('1969-12-31T23:59:59', scale) + '-14:00',
      digits('9999-12-31T09:59:59', scale) + '+00:00',
      '0001-01-01T14:00:00+14:00',
    ],
  ]),
  ['smalldatetime', ['1900-01-01T00:00:00', '2079-06-06T23:59:00', '2024-02-29T12:34:00']],
  [
    'datetime',
    ['1753-01-01T00:00:00', '9999-12-31T23:59:59.997', '2024-02-29T12:34:56.003', '1969-12-31T23:59:59.990'],
  ],
  ['uniqueidentifier', ['6f9619ff-8b86-d011-b42d-00c04fc964ff', '00000000-0000-0000-0000-000000000000']],
  ['char(5)', ['ab   ', '     ']],
  ['varchar(20)', ['', 'plain', 'caf\u00e9']],
  ['nchar(3)', ['a\u00e9 ', '   ']],
  ['nvarchar(20)', ['', 'plain', '\u00fcn\u00ef \u4e2d\u6587 \u{1F600}\u{10FFFF}', '\u0000\ufeff\uffff']],
  ['nvarchar(max)', ['', 'x', '\u{1F600}'.repeat(9000)]],
  ['varchar(max)', ['', 'x', 'caf\u00e9'.repeat(9000)]],
  ['binary(4)', [bytes(0, 1, 2, 255)]],
  ['varbinary(20)', [bytes(), bytes(0), bytes(255, 254, 0)]],
  ['varbinary(max)', [bytes(), bytes(1, 2, 3), new Uint8Array(30_000).fill(7)]],
];
