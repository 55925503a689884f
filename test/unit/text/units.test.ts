import { describe, expect, it } from 'vitest';

import { connectionStringParts } from '../../../src/sources/connection-string-parts.js';
import { parseDuration, parseSize } from '../../../src/text/units.js';

describe('durations', () => {
  it.each([
    ['30s', 30_000],
    ['500ms', 500],
    ['2m', 120_000],
    ['2 min', 120_000],
    ['1.5h', 5_400_000],
    ['7', 7_000],
    [7, 7_000],
    [0.25, 250],
    [0, 0],
  ])('%j are %i ms', (value, milliseconds) => {
    expect(parseDuration(value)).toBe(milliseconds);
  });

  it.each([
    '',
    's',
    '-1s',
    '1d',
    '1m30s',
    'NaN',
    'Infinity',
    '1e3s',
    NaN,
    Infinity,
    -1,
    true,
    null,
    undefined,
    '999999h',
  ])('%j is invalid', (value) => {
    expect(parseDuration(value)).toBeUndefined();
  });
});

describe('sizes', () => {
  it.each([
    ['8 MiB', 8 * 2 ** 20],
    ['8MB', 8_000_000],
    ['64K', 65_536],
    ['1g', 2 ** 30],
    ['1.5 KiB', 1536],
    [4096, 4096],
    ['4096', 4096],
  ])('%j are %i bytes', (value, bytes) => {
    expect(parseSize(value)).toBe(bytes);
  });

  it.each(['', 'MiB', '-1', '1 XB', '1.5', 0.5, NaN, '99999999 GiB', {}])('%j is invalid', (value) => {
    expect(parseSize(value)).toBeUndefined();
  });
});

describe('parts of a connection string that may be shown', () => {
  it.each([
    ['postgres://u:p@h:6000/shop?sslmode=require', { host: 'h', port: '6000', database: 'shop' }],
    ['postgresql://u@[::1]/my%20db', { host: '[::1]', port: undefined, database: 'my db' }],
    ['postgres:///shop?host=/run/pg', { host: '/run/pg', port: undefined, database: 'shop' }],
    ["host=h port=6000 dbname='my db' password='x y'", { host: 'h', port: '6000', database: 'my db' }],
    ['Server=h;Initial Catalog=shop;Password={a;b}', { host: 'h', port: undefined, database: 'shop' }],
    ['nonsense', { host: undefined, port: undefined, database: undefined }],
  ])('%s', (text, parts) => {
    expect(connectionStringParts(text)).toEqual(parts);
  });
});
