import { expect, test } from 'vitest';
import { momentText, parseMoment, secondsBefore, secondsBehind } from '../../../src/sources/moment-text.js';

function before(text: string, seconds: number): string | undefined {
  const moment = parseMoment(text);
  const then = moment && secondsBefore(moment, seconds);
  return then && momentText(then);
}

test('an earlier moment has the form of the later one', () => {
  expect(before('2025-03-01', 1)).toBe('2025-02-28');
  expect(before('2025-03-01', 86_400)).toBe('2025-02-28');
  expect(before('2024-03-01 00:00', 1)).toBe('2024-02-29 23:59');
  expect(before('2024-03-01T00:00:00Z', 1)).toBe('2024-02-29T23:59:59Z');
  expect(before('2025-01-01 00:00:00.5', 0.25)).toBe('2025-01-01 00:00:00.2');
  expect(before('2025-01-01 00:00:00.123456789+05:30', 0.124)).toBe('2024-12-31 23:59:59.999456789+05:30');
  expect(before('2025-01-01T00:00:00', 0.001)).toBe('2024-12-31T23:59:59');
  expect(before('0000-01-01', 5)).toBe('0000-01-01');
  expect(before('2025-02-30', 1)).toBeUndefined();
});

test('only one way to write a moment is taken for each of its forms', () => {
  for (const text of [
    '2025-1-1',
    '2025-01-01t00:00',
    '2025-01-01 00:00:00.',
    '2025-01-01 00:00.5',
    '20250101',
    '2025-01-01Z',
  ]) {
    expect(parseMoment(text), text).toBeUndefined();
  }
});

test('how far a moment is behind is not said where its zone would have to be guessed', () => {
  const now = Date.parse('2025-01-31T12:00:00Z');
  const behind = (text: string) => secondsBehind(parseMoment(text)!, now);
  expect(behind('2025-01-31T11:59:30.000001Z')).toBe(30);
  expect(behind('2025-01-31T13:59:30+02:00')).toBe(30);
  expect(behind('2025-01-31 11:00')).toBe(3600);
  expect(behind('2025-01-31 14:00')).toBeUndefined();
  expect(behind('2025-02-01 14:00')).toBe(-26 * 3600);
  expect(behind('2025-01-31T12:01:00Z')).toBe(-60);
  expect(behind('2025-01-31')).toBe(12 * 3600);
  expect(behind('2025-02-01')).toBeUndefined();
  expect(behind('2025-02-30')).toBeUndefined();
});
