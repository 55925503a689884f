import { expect, test } from 'vitest';
import { encodingNotes } from '../../../../src/export/planning/undecoded-encodings.js';
import type { ReadColumn } from '../../../../src/sources/source.js';
import { column } from '../../cli/reports/samples.js';

const columns = (physical: 'DOUBLE' | 'INT32'): ReadColumn[] => [
  { spec: column({ name: 'v', type: { physical } }), expression: 'v', decoder: { kind: 'v' } },
];

test('a note says that Spark may not decode the floats of a compact table, unless it is written for Spark', () => {
  expect(encodingNotes({ columns: columns('DOUBLE') }, { encoding: 'compact' })).toMatchObject([
    { code: 'ENCODING_NOT_DECODED', text: expect.stringMatching(/^Spark may not decode .*--compat spark/) as string },
  ]);
  expect(encodingNotes({ columns: columns('INT32') }, { encoding: 'compact' })).toEqual([]);
  expect(encodingNotes({ columns: columns('DOUBLE') }, { encoding: 'compact', compat: 'spark' })).toEqual([]);
  expect(encodingNotes({ columns: columns('DOUBLE') }, {})).toEqual([]);
});
