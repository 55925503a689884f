import { describe, expect, it } from 'vitest';

import { parseCommandLine } from '../../../../src/cli/flags/command-line.js';
import { spelling } from '../../../../src/cli/flags/flag.js';
import { EXPORT_FLAGS } from '../../../../src/cli/flags/flags.js';
import { readResumeSettings } from '../../../../src/cli/flags/resume-flags.js';

const RUN_ID = '123e4567-e89b-42d3-a456-426614174000';

function settings(...argv: string[]) {
  return readResumeSettings(parseCommandLine(['-r', RUN_ID, '-a', 'auth.json', ...argv]).flags, { plan: false });
}

const ALLOWED = new Set([
  ...['resume', 'auth_file', 'log_db_auth_id', 'log_db_mode', 'consistency', 'n_jobs', 'parallel', 'json', 'quiet'],
  ...['log_level', 'log_dir', 'log_format', 'no_progress', 'no_banner', 'help', 'version', 'grace'],
  ...['workers', 'workers_wait', 'local_readers', 'keepers'],
]);

describe('--resume', () => {
  it('takes what does not decide what is exported', () => {
    const argv = ['--n_jobs', '2', '-p', '-2', '--consistency', 'run', '--json', '--quiet', '--log_level', 'DEBUG'];
    expect(settings(...argv, '--log_db_auth_id', 'x', '--log_db_mode', 'preserve')).toEqual({
      authFile: 'auth.json',
      runId: RUN_ID,
      changes: { jobs: 2, parallel: expect.any(Number) as number, consistency: 'run' },
      ignoredFlags: [],
    });
    expect(settings('--license', 'x').ignoredFlags).toEqual(['--license']);
  });

  const others = EXPORT_FLAGS.filter(({ name, standing }) => !ALLOWED.has(name) && standing !== 'ignored');

  it.each(others.map((flag) => [flag.name, flag] as const))('refuses --%s by its name', (name, flag) => {
    const argv = [`--${name}`, ...(flag.value === undefined ? [] : ['1'])];
    expect(() => settings(...argv)).toThrow(
      expect.objectContaining({
        code: 'FLAG_CONFLICT',
        exit: 'usage',
        message: expect.stringContaining(spelling(flag)) as string,
      }) as Error,
    );
  });

  it.each([
    [['-i', 'x', '--output_dir', 'y'], /--include, --output-dir/],
    [['--consistency', 'none'], /can only be run/],
    [['--log_db_mode', 'drop'], /would remove the run/],
    [['-r', 'x y'], /must be the id of a run/],
    [['-r', '%'], /must be the id of a run/],
  ])('refuses %j', (argv, message) => {
    expect(() => settings(...argv)).toThrow(message);
  });

  it('takes the beginning of an id, in any case', () => {
    expect(settings('-r', '123E4567').runId).toBe('123e4567');
  });
});
