import { describe, expect, it } from 'vitest';

import { parseCommandLine } from '../../../../src/cli/flags/command-line.js';
import { spelling } from '../../../../src/cli/flags/flag.js';
import { CHECK_FLAGS, EXPORT_FLAGS, FLAGS } from '../../../../src/cli/flags/flags.js';
import { helpText } from '../../../../src/cli/flags/help.js';

const typed = (...argv: string[]) => parseCommandLine(argv).flags.typed;

describe('spelling', () => {
  it.each([
    [['--output-dir', 'x'], { output_dir: ['x'] }],
    [['--output_dir=x'], { output_dir: ['x'] }],
    [['--output-dir=a=b'], { output_dir: ['a=b'] }],
    [['--output_dir='], { output_dir: [''] }],
    [['-a', 'f'], { auth_file: ['f'] }],
    [['-af'], { auth_file: ['f'] }],
    [['--auth', 'f'], { auth_file: ['f'] }],
    [['--auth-file', 'f'], { auth_file: ['f'] }],
    [['-p', '0'], { parallel: ['0'] }],
    [['-p', '-2'], { parallel: ['-2'] }],
    [['-p-2'], { parallel: ['-2'] }],
    [['-p=4'], { parallel: ['4'] }],
    [['--fastbcp_p', '-2'], { parallel: ['-2'] }],
    [['--fastbcp-table-config', 'x'], { table_config: ['x'] }],
    [['--lxdb_auth_id', 'x'], { log_db_auth_id: ['x'] }],
    [['-i', '-odd%'], { include: ['-odd%'] }],
    [['--no-progress', '--no_banner'], { no_progress: [], no_banner: [] }],
  ])('of %j is %j', (given, expected) => {
    expect(typed(...given)).toEqual(expected);
  });

  it('is the same for every flag with - and with _', () => {
    for (const flag of EXPORT_FLAGS) {
      for (const name of [flag.name, ...(flag.aliases ?? [])]) {
        const value = flag.value === undefined ? [] : ['1'];
        expect(typed(`--${name.replaceAll('_', '-')}`, ...value)).toEqual(typed(`--${name}`, ...value));
      }
    }
  });
});

describe('the command', () => {
  it.each<[string[], string, object, string[]]>([
    [['plan', '-a', 'f'], 'plan', { auth_file: ['f'] }, []],
    [['-a', 'f', 'plan', '--json'], 'plan', { auth_file: ['f'], json: [] }, []],
    [['plan', 'sales.%', '-a', 'f', 'x', '--tables'], 'plan', { auth_file: ['f'], tables: [] }, ['sales.%', 'x']],
    [['check', '-a', 'f', 'plan'], 'check', { auth_file: ['f'] }, ['plan']],
    [['--source_db_name', 'plan'], 'export', { source_db_name: ['plan'] }, []],
    [[], 'export', {}, []],
    [['help'], 'export', { help: [] }, []],
    [['help', 'plan'], 'plan', { help: [] }, []],
    [['verify', '2f73', '--json'], 'verify', { json: [] }, ['2f73']],
    [['inspect', 'f', '--rows', '3'], 'inspect', { rows: ['3'] }, ['f']],
    [['runs', '--limit', '3'], 'runs', { limit: ['3'] }, []],
    [['-a', 'f', 'status', '2f73', '--json'], 'status', { auth_file: ['f'], json: [] }, ['2f73']],
    [['check', '-a', 'f', '--', '--id'], 'check', { auth_file: ['f'] }, ['--id']],
  ])('of %j is %s', (argv, name, flags, operands) => {
    const line = parseCommandLine(argv);
    expect({ name: line.command.name, flags: line.flags.typed, operands: line.operands }).toEqual({
      name,
      flags,
      operands,
    });
  });
});

describe('a mistake', () => {
  it.each([
    [['--ouput_dir', 'x'], /no flag --ouput_dir; did you mean --output-dir\?/],
    [['--outputdir', 'x'], /did you mean --output-dir\?/],
    [['--njobs', '3'], /did you mean --n-jobs\?/],
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
    expect(() => parseCommandLine(argv)).toThrow(message);
    expect(() => parseCommandLine(argv)).toThrow(expect.objectContaining({ exit: 'usage' }) as Error);
  });

  it('in the choice of a command is told too', () => {
    expect(() => parseCommandLine(['check', '--n_jobs', '3'])).toThrow(/lakeport check takes no flag --n-jobs/);
    expect(() => parseCommandLine(['demo', '--json'])).toThrow(/lakeport demo takes no flag --json/);
    expect(() => parseCommandLine(['--limit', '3'])).toThrow(/lakeport takes no flag --limit/);
    expect(() => parseCommandLine(['runs', 'x'])).toThrow(/^lakeport runs takes flags only$/);
    expect(() => parseCommandLine(['--tables'])).toThrow(/lakeport takes no flag --tables/);
  });
});

describe('values', () => {
  const flags = (...argv: string[]) => parseCommandLine(argv).flags;

  it('of a repeated flag are all there, the last one counting where only one can', () => {
    const given = flags('-i', 'a', '--include=b', '--n_jobs', '1', '--n-jobs', '2');
    expect(given.get(FLAGS.include)).toEqual(['a', 'b']);
    expect(given.get(FLAGS.jobs)).toBe(2);
  });

  it('may be empty', () => {
    expect(flags('--sub_path=').typed).toEqual({ sub_path: [''] });
  });

  it('of switches are true or false', () => {
    const given = flags('--json');
    expect(given.get(FLAGS.json)).toBe(true);
    expect(given.get(FLAGS.quiet)).toBe(false);
  });
});

describe('the help', () => {
  const help = (...argv: string[]) => helpText(parseCommandLine([...argv, '--help']).command);

  it('shows every flag, grouped, and three examples at the end', () => {
    const text = help();
    for (const flag of EXPORT_FLAGS) {
      for (const name of [flag.name, ...(flag.aliases ?? [])]) expect(text).toContain(spelling({ name }));
    }
    const headings = [...text.matchAll(/^(\S.*):$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual([
      'Commands',
      'Source',
      'Columns and rows',
      'Incremental syncs',
      'Destination',
      'Speed',
      'Workers',
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

  it('has nothing that is not available yet', () => {
    expect(help()).not.toMatch(/not\s+available\s+yet/);
  });

  it('of check shows the flags of check only', () => {
    const text = help('check');
    for (const { name } of CHECK_FLAGS) expect(text).toContain(spelling({ name }));
    expect(text).not.toContain('--n-jobs');
  });

  it('comes whatever else is wrong with values', () => {
    expect(help('--n_jobs', 'x')).toContain('Usage:');
  });
});
