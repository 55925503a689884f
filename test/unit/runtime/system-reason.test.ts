import { openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { systemReason } from '../../../src/runtime/system-reason.js';

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

it('explains a system error and adds its errno', () => {
  const file = fileURLToPath(import.meta.url);
  expect(systemReason(thrownBy(() => openSync(`${file}/x`, 'r')))).toBe(
    'a file is in the place of a directory (ENOTDIR)',
  );
  expect(systemReason(thrownBy(() => openSync(`${file}.no`, 'r')))).toBe('no such file or directory (ENOENT)');
});

it('keeps the message of any other error', () => {
  expect(systemReason(Object.assign(new Error('EFOO: foo'), { code: 'EFOO' }))).toBe('EFOO: foo');
  expect(systemReason('x')).toBe('x');
});
