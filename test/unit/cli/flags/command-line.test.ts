import { describe, expect, it } from 'vitest';

import { readCommandLine } from '../../../../src/cli/flags/command-line.js';
import { CHECK_FLAGS, EXPORT_FLAGS } from '../../../../src/cli/flags/flags.js';
import { parseCommandLine } from '../../../../src/cli/flags/program.js';

const words = (...argv: string[]) => readCommandLine(argv).words;

describe('spelling', () => {
  it.each([
    [['--output-dir', 'x'], ['--output_dir=x']],
    [['--output_dir=x'], ['--output_dir=x']],
    [['--output-dir=a=b'], ['--output_dir=a=b']],
    [['--output_dir='], ['--output_dir=']],
    [['-a', 'f'], ['--auth_file=f']],
    [['-af'], ['--auth_file=f']],
    [['--auth', 'f'], ['--auth_file=f']],
    [['--auth-file', 'f'], ['--auth_file=f']],
    [['-p', '0'], ['--parallel=0']],
    [['-p', '-2'], ['--parallel=-2']],
    [['-p-2'], ['--parallel=-2']],
    [['-p=4'], ['--parallel=4']],
    [['--fastbcp_p', '-2'], ['--parallel=-2']],
    [['--fastbcp-table-config', 'x'], ['--table_config=x']],
    [['--lxdb_auth_id', 'x'], ['--log_db_auth_id=x']],
    [['-i', '-odd%'], ['--include=-odd%']],
    [
      ['--no-progress', '--no_banner'],
      ['--no_progress', '--no_banner'],
    ],
  ])('of %j is %j', (given, expected) => {
    expect(words(...given)).toEqual(expected);
  });

  it('is the same for every flag with - and with _', () => {
    for (const flag of EXPORT_FLAGS) {
      for (const name of [flag.name, ...(flag.aliases ?? [])]) {
        const value = flag.value === undefined ? [] : ['1'];
        expect(words(`--${name.replaceAll('_', '-')}`, ...value)).toEqual(words(`--${name}`, ...value));
      }
    }
  });
});

describe('the command', () => {
  it.each([
    [['plan', '-a', 'f'], 'plan', ['--auth_file=f']],
    [['-a', 'f', 'plan', '--json'], 'plan', ['--auth_file=f', '--json']],
    [['check', '-a', 'f', 'plan'], 'check', ['--auth_file=f', 'plan']],
    [['--source_db_name', 'plan'], 'export', ['--source_db_name=plan']],
    [[], 'export', []],
    [['help'], 'export', ['--help']],
    [['help', 'plan'], 'plan', ['--help']],
    [['demo', '--anything', 'x'], 'demo', ['--anything', 'x']],
    [['runs', '--limit', '3'], 'runs', ['--limit=3']],
    [['-a', 'f', 'status', '2f73', '--json'], 'status', ['--auth_file=f', '2f73', '--json']],
  ])('of %j is %s', (argv, command, expected) => {
    expect(readCommandLine(argv)).toEqual({ command, words: expected });
  });
});

describe('a mistake', () => {
  it.each([
    [['--ouput_dir', 'x'], /no flag --ouput_dir; did you mean --output_dir\?/],
    [['--outputdir', 'x'], /did you mean --output_dir\?/],
    [['--njobs', '3'], /did you mean --n_jobs\?/],
    [['--xyzzy'], /no flag --xyzzy$/],
    [['-x'], /no flag -x/],
    [['-vx'], /no flag -vx/],
    [['plam'], /no command "plam"; did you mean plan\?/],
    [['-a', 'f', 'public.orders'], /no command "public.orders"$/],
    [['--include'], /--include needs a value/],
    [['-i'], /-i needs a value/],
    [['--include', '--json'], /--include needs a value/],
    [['--include', '--n_jobs=3'], /--include needs a value/],
    [['--json=yes'], /--json takes no value/],
  ])('in %j is told in one sentence', (argv, message) => {
    expect(() => readCommandLine(argv)).toThrow(message);
    expect(() => readCommandLine(argv)).toThrow(expect.objectContaining({ exit: 'usage' }) as Error);
  });

  it('in the choice of a command is told too', () => {
    const parse = (...argv: string[]) => parseCommandLine(readCommandLine(argv));
    expect(() => parse('check', '--n_jobs', '3')).toThrow(/lakeport check takes no flag --n_jobs/);
    expect(() => parse('runs', 'x')).toThrow(/^lakeport runs takes flags only$/);
    expect(() => parse('plan', 'x')).toThrow(expect.objectContaining({ exit: 'usage' }) as Error);
  });
});

describe('values', () => {
  const flags = (...argv: string[]) => {
    const invocation = parseCommandLine(readCommandLine(argv));
    return invocation.kind === 'run' ? invocation.flags : expect.fail('nothing to run');
  };

  it('of a repeated flag are all there, the last one counting where only one can', () => {
    const given = flags('-i', 'a', '--include=b', '--n_jobs', '1', '--n-jobs', '2');
    expect(given.values('include')).toEqual(['a', 'b']);
    expect(given.value('n_jobs')).toBe('2');
  });

  it('may be empty', () => {
    expect(flags('--sub_path=').value('sub_path')).toBe('');
  });

  it('of switches are none', () => {
    const given = flags('--json');
    expect(given.has('json')).toBe(true);
    expect(given.has('quiet')).toBe(false);
    expect(given.value('json')).toBeUndefined();
  });
});

describe('the help', () => {
  const help = (...argv: string[]) => {
    const invocation = parseCommandLine(readCommandLine([...argv, '--help']));
    return invocation.kind === 'show' ? invocation.text : expect.fail('no help');
  };

  it('shows every flag, grouped, and three examples at the end', () => {
    const text = help();
    for (const flag of EXPORT_FLAGS) {
      for (const name of [flag.name, ...(flag.aliases ?? [])]) expect(text).toContain(`--${name}`);
    }
    const headings = [...text.matchAll(/^(\S.*):$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([
      'Commands',
      'Source',
      'Destination',
      'Speed',
      'Files',
      'Run',
      'Run log',
      'Metadata',
      'Output',
      'Accepted and ignored',
      'Help',
      'Examples',
    ]);
    expect(text.split('Examples:')[1]?.match(/^ {2}lakeport /gm)).toHaveLength(3);
  });

  it('marks what is to come', () => {
    const later = EXPORT_FLAGS.filter(({ standing }) => standing === 'later');
    expect(later.length).toBeGreaterThan(0);
    expect(
      help()
        .replace(/\s+/g, ' ')
        .match(/\(not available yet\)/g)?.length,
    ).toBeGreaterThanOrEqual(later.length);
  });

  it('of check shows the flags of check only', () => {
    const text = help('check');
    for (const { name } of CHECK_FLAGS) expect(text).toContain(`--${name}`);
    expect(text).not.toContain('--n_jobs');
  });

  it('comes whatever else is wrong with values', () => {
    expect(help('--n_jobs', 'x')).toContain('Usage:');
  });
});
