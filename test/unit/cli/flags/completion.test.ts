import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import { SHELLS } from '../../../../src/cli/flags/commands.js';
import { completionScript } from '../../../../src/cli/flags/completion.js';
import { EXPORT_FLAGS } from '../../../../src/cli/flags/flags.js';
import { spelling } from '../../../../src/cli/flags/flag.js';
import { saySkipped } from '../../../harness/skipped.js';

function isInstalled(shell: string): boolean {
  return spawnSync(shell, ['-c', 'exit 0']).status === 0;
}

for (const shell of SHELLS) if (!isInstalled(shell)) saySkipped(`completion in ${shell}`, `${shell} is not installed`);

/** What bash offers for the last word. */
function offeredByBash(...words: string[]): string[] {
  const script = `${completionScript('bash')}
COMP_WORDS=(lakeport "$@")
COMP_CWORD=$#
_lakeport
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const ended = spawnSync('bash', ['--norc', '-c', script, 'bash', ...words], { encoding: 'utf8' });
  expect(ended).toMatchObject({ status: 0, stderr: '' });
  return ended.stdout.split('\n').filter((line) => line !== '');
}

describe.skipIf(!isInstalled('bash'))('completion in bash', () => {
  it.each<[string[], string[]]>([
    [['pl'], ['plan']],
    [['--output-d'], ['--output-dir']],
    [['plan', '--compression-t'], ['--compression-type']],
    [['--compression-type', 'Z'], ['Zstd']],
    [['--compression_type', 'Sn'], ['Snappy']],
    [
      ['-a', 'x', 'status', '--n'],
      ['--no-progress', '--no-banner'],
    ],
    [
      ['completion', ''],
      ['--version', '--help', 'bash', 'zsh', 'fish'],
    ],
    [
      ['check', '-a', 'packag'],
      ['package-lock.json', 'package.json'],
    ],
    [
      ['inspect', 'packag'],
      ['package-lock.json', 'package.json'],
    ],
    [['--log-dir', 'tes'], ['test']],
    [['--n-jobs', ''], []],
  ])('of %j offers %j', (words, expected) => {
    expect(offeredByBash(...words).sort()).toEqual([...expected].sort());
  });

  it('offers every flag that does something', () => {
    const flags = EXPORT_FLAGS.filter(({ standing }) => standing === undefined).map(spelling);
    expect(offeredByBash('--').sort()).toEqual(flags.sort());
  });
});

describe.each(['zsh', 'fish'] as const)('completion in %s', (shell) => {
  it('names every flag and command', () => {
    const script = completionScript(shell);
    for (const flag of EXPORT_FLAGS.filter(({ standing }) => standing === undefined)) {
      expect(script).toContain(shell === 'fish' ? ` -l ${spelling(flag).slice(2)} ` : `${spelling(flag)}[`);
    }
    for (const command of ['plan', 'check', 'runs', 'status', 'inspect', 'verify', 'demo', 'completion'])
      expect(script).toContain(command);
  });

  it.skipIf(!isInstalled(shell))('is a script that the shell reads', () => {
    const ended = spawnSync(shell, ['-n', '/dev/stdin'], { input: completionScript(shell), encoding: 'utf8' });
    expect(ended).toMatchObject({ status: 0, stderr: '' });
  });
});
