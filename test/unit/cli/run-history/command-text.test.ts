import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Redactor } from '../../../../src/auth/redaction.js';
import { commandText, recordedCommand, resumeCommand } from '../../../../src/cli/run-history/command-text.js';

describe('a command line as text', () => {
  it('can be typed into a shell again', () => {
    const words = fc.array(
      fc.string({ unit: 'grapheme' }).filter((word) => !word.includes('\0')),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(words, (argv) => {
        const script = `lakeport() { printf '%s\\0' "$@"; }; ${commandText(argv)}`;
        const printed = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' });
        expect(printed.split('\0').slice(0, -1)).toEqual(argv);
      }),
      { numRuns: 40 },
    );
  });

  it('hides what the auth file holds, passwords in URLs and licences', () => {
    const redactor = new Redactor();
    redactor.add('s3cret-pass');
    const argv = ['-a', 'auth.json', '--license', 'L1C-ENCE', '--license=L1C-2', '--sub_path', 'x/s3cret-pass'];
    const text = recordedCommand([...argv, '--source_db_name', 'postgres://u:p4ssw0rd@h/db'], redactor);
    expect(text).toContain('-a auth.json');
    expect(text).not.toMatch(/s3cret|L1C|p4ssw0rd/);
  });

  it('that finishes a run names the log where it is not the own one', () => {
    const run = { runId: '123e4567-e89b-42d3-a456-426614174000', authFile: 'my auth.json' };
    expect(resumeCommand({ ...run, logEntryId: undefined })).toBe(
      "lakeport --resume 123e4567-e89b-42d3-a456-426614174000 -a 'my auth.json'",
    );
    expect(resumeCommand({ ...run, logEntryId: 'log_pg' })).toMatch(/ --log-db-auth-id log_pg$/);
  });
});
