import { describe, expect, it } from 'vitest';

import { didYouMean } from '../../../src/text/did-you-mean.js';

describe('the nearest word', () => {
  const words = ['password', 'port', 'profile', 'output_dir', 'ssl'];

  it.each([
    ['passwrod', 'password'],
    ['PASSWORD', 'password'],
    ['passwd', 'password'],
    ['prot', 'port'],
    ['output-dir', 'output_dir'],
    ['outputdir', 'output_dir'],
    ['sll', 'ssl'],
  ])('to %s is %s', (word, expected) => {
    expect(didYouMean(word, words)).toBe(expected);
  });

  it.each(['xyzzy', 'p', '', 'server'])('to %j is none', (word) => {
    expect(didYouMean(word, words)).toBeUndefined();
  });
});
