import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it, test } from 'vitest';

import { Redactor } from '../../../../src/auth/redaction.js';
import { parseCommandLine } from '../../../../src/cli/flags/command-line.js';
import { flagOptions, readExportSettings } from '../../../../src/cli/flags/export-flags.js';
import { ParsedFlags } from '../../../../src/cli/flags/parsed-flags.js';
import { overJobFile, readJobFile } from '../../../../src/cli/job-file/read-job.js';
import { jobText, saveJobFile } from '../../../../src/cli/job-file/save-job.js';
import { TABLE_FLAGS } from '../../../../src/cli/job-file/settings.js';
import { LakeportError } from '../../../../src/errors.js';
import { ScratchDirectory } from '../../../harness/scratch.js';

const scratch = new ScratchDirectory();
afterAll(() => scratch.remove());

let files = 0;

async function jobOf(text: string, environment: NodeJS.ProcessEnv = {}, extension = 'yaml') {
  const file = path.join(scratch.path, `job${++files}.${extension}`);
  await writeFile(file, text);
  return readJobFile(file, environment);
}

async function valuesOf(text: string, environment?: NodeJS.ProcessEnv) {
  return Object.fromEntries((await jobOf(text, environment)).values);
}

async function problemOf(text: string): Promise<string> {
  const error = await jobOf(text).catch((thrown: unknown) => LakeportError.from(thrown));
  if (!(error instanceof LakeportError)) throw new Error('the file is taken');
  expect(error.exit).toBe('usage');
  return error.message.replace(/^.*\/job\d+\.yaml, /, '');
}

function saved(argv: readonly string[], redactor = new Redactor()): string {
  const values = new Map(Object.entries(parseCommandLine(argv).flags.typed));
  return jobText({ values, typed: values, redactor });
}

const optionsOf = (flags: ParsedFlags) => flagOptions((flag) => flags.get(flag));

describe('a job file', () => {
  it('gives flags the values that the command line would give them', async () => {
    const values = await valuesOf(`
      # a comment
      auth_file: auth.json
      source-db-auth-id: ds_pg
      output_dir: './out'
      include: [sales.%, public.orders]
      exclude: '%_tmp'
      include_views: true
      quiet: false
      n_jobs: 8
      fastbcp_p: -2
      compression_type: None
    `);
    expect(values).toEqual({
      auth_file: ['auth.json'],
      source_db_auth_id: ['ds_pg'],
      output_dir: ['./out'],
      include: ['sales.%', 'public.orders'],
      exclude: ['%_tmp'],
      include_views: [],
      n_jobs: ['8'],
      parallel: ['-2'],
      compression_type: ['None'],
    });
  });

  it('has settings of tables under their patterns', async () => {
    const values = await valuesOf(`
      mask: ['public.people:name:redact']
      tables:
        sales.orders: { method: RangeId, key: "extract(year from at)::int", degree: 8 }
        order\\_items: { degree: 2 }
        crm.%:
          route: s3_eu/crm
          mask: { email: hash, phone: "partial(0,3)", note: null }
          column_type: { score: double }
    `);
    expect(values).toEqual({
      table_config: ['sales.orders:RangeId:(extract(year from at)::int):8', 'order_items:::2'],
      route: ['crm.%=s3_eu/crm'],
      mask: ['public.people:name:redact', 'crm.%:email:hash', 'crm.%:phone:partial(0,3)', 'crm.%:note:null'],
      column_type: ['crm.%:score:double'],
    });
  });

  it('may be JSON, and name its schema', async () => {
    const job = await jobOf('{"$schema": "job.json", "n_jobs": 3, "include": ["a"]}', {}, 'json');
    expect(Object.fromEntries(job.values)).toEqual({ n_jobs: ['3'], include: ['a'] });
  });

  it('replaces references to variables and files, but those of secrets', async () => {
    const environment = { TARGET: '/data', SALT: 'not to be seen' };
    await writeFile(path.join(scratch.path, 'schema'), 'sales\n');
    const text = `
      output_dir: \${TARGET}/out
      source_schema_name: $file{${path.join(scratch.path, 'schema')}}
      sub_path: a$$b
      mask_salt: $env{SALT}`;
    const job = await jobOf(text, environment);
    expect(Object.fromEntries(job.values)).toEqual({
      output_dir: ['/data/out'],
      source_schema_name: ['sales'],
      sub_path: ['a$b'],
      mask_salt: ['$env{SALT}'],
    });
    expect(job.written.get('output_dir')).toEqual(['${TARGET}/out']);
  });

  it('gives way to the command line, flag by flag', async () => {
    const { values } = await jobOf('include: [a, b]\nn_jobs: 2\ntarget_storage_id: s3\nexclude: x');
    const typed = new Map(Object.entries(parseCommandLine(['-i', 'c', '--output-dir', 'out']).flags.typed));
    expect(Object.fromEntries(overJobFile(typed, values))).toEqual({
      include: ['c'],
      n_jobs: ['2'],
      exclude: ['x'],
      output_dir: ['out'],
    });
  });
});

describe('a mistake in a job file is told with line and column', () => {
  test.each([
    ['n_jbos: 3', 'line 1, column 1: there is no setting "n_jbos"; did you mean n_jobs?'],
    ['a: 1', 'line 1, column 1: there is no setting "a"'],
    ['config: x', 'line 1, column 1: there is no setting "config"'],
    ['quiet: true\nn_jobs: many', 'line 2, column 9: --n-jobs must be a whole number from 1 to 1024, not "many"'],
    ['include:\n  - a\n  - [b]', 'line 3, column 5: a text, a number or a list of them is expected'],
    ['n_jobs: [1, 2]', 'line 1, column 13: n_jobs takes one value, not a list'],
    ['n_jobs:\nquiet: true', 'line 1, column 1: the value is missing'],
    ['quiet: yes', 'line 1, column 8: quiet must be true or false'],
    ['n_jobs: 1\nn-jobs: 2', 'line 2, column 1: n-jobs stands here for the second time'],
    [
      'output_dir: ${NOWHERE}',
      'line 1, column 13: the value refers to the environment variable NOWHERE, which is not set',
    ],
    ['include: &x a\nexclude: *x', 'line 2, column 10: anchors and aliases are not taken'],
    ['tables: [a]', 'line 1, column 9: tables must be a mapping'],
    ['tables:\n  a: b', 'line 2, column 6: what is set for a must be a mapping'],
    ['tables:\n  a:\n    metod: Ctid', 'line 3, column 5: there is no setting "metod"; did you mean method?'],
    ['tables:\n  a:\n    n_jobs: 2', 'line 3, column 5: there is no setting "n_jobs"'],
    ['tables:\n  a%:\n    method: Ctid', 'line 2, column 3: method are for a single table, and a% is a pattern'],
    [
      'tables:\n  a:\n    method: Nothing',
      /^line 2, column 3: --table-config does not understand .* no method Nothing/,
    ],
    ['tables:\n  a:\n    mask: {b: sha}', /^line 3, column 15: --mask does not understand "b:sha"/],
    ['- a', 'line 1, column 1: it must be a mapping of flags to their values'],
    ['', 'line 1, column 1: the file is empty'],
    ['a: "b', /^line 1, column \d: /],
    ['a: 1\na: 2', /^line 2, column 1: .*unique/],
  ])('%j', async (text, expected) => {
    const problem = await problemOf(text);
    if (typeof expected === 'string') expect(problem).toBe(expected);
    else expect(problem).toMatch(expected);
  });

  it('such as its absence', () => {
    expect(() => readJobFile(path.join(scratch.path, 'nowhere.yaml'), {})).toThrow(
      /^The job file .*nowhere.yaml cannot be read: no such file/,
    );
  });
});

describe('a saved job file', () => {
  const ALL = [
    ['-a', 'auth.json', '--source-db-auth-id', 'ds_pg', '--output-dir', './out', '-i', 'sales.%,"a b".c', '-i', '007'],
    ['-e', '%_tmp', '--include-views', '--n-jobs', '8', '-p', '-2', '--sub-path', 'x/{date}', '--min-rows', '0'],
    ['--table-config', 'orders:RangeId:id:8;"a:b":None::', '--route', 'sales.%=s3_eu/x', '--route', 'a,b=az'],
    ['--mask', 'crm.%:email:hash', '--mask', '"a:b":c:redact(${X} $$ $env{Y})', '--mask-salt', '$env{SALT}'],
    ['--column-type', 'crm.customers.score:decimal(10,2)', '--unbounded-numeric', 'decimal(38,10)', '--json'],
  ].flat();

  it('stands for the command line that it was made of', async () => {
    const text = saved(ALL);
    const { values } = await jobOf(text);
    const flags = parseCommandLine(ALL).flags;
    expect(optionsOf(new ParsedFlags(values))).toEqual(optionsOf(flags));
    expect(readExportSettings(new ParsedFlags(values))).toMatchObject({
      authFile: 'auth.json',
      sourceId: 'ds_pg',
      target: { directory: './out' },
    });
    // Once more, from the file alone.
    expect(jobText({ values: (await jobOf(text)).written, typed: new Map(), redactor: new Redactor() })).toBe(text);
  });

  it('keeps every value of every table flag, whatever characters it has', async () => {
    const words = fc.string({ unit: fc.constantFrom(...Array.from('ab%_.:,=$ {}"\'#&*!|>-\n[]\\é7')), maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(words, { minLength: 1, maxLength: 4 }), async (texts) => {
        const given = new Map<string, readonly string[]>([['license_note', texts]]);
        for (const flag of TABLE_FLAGS) given.set(flag.name, texts);
        const text = jobText({ values: given, typed: given, redactor: new Redactor() });
        const read = await jobOf(text).catch((thrown: unknown) => LakeportError.from(thrown));
        // A value that a flag does not take is refused when it is read, for that and no other reason.
        if (read instanceof LakeportError) expect(read.message).toMatch(/: --[a-z-]+ |the value is missing/);
        else for (const flag of TABLE_FLAGS) expect(read.values.get(flag.name)).toEqual(texts);
      }),
      { numRuns: 60 },
    );
  });

  it('nests masks, types, conditions and methods under their tables, in the order in which they apply', () => {
    const text = saved([
      ...['--mask', 'crm.people:email:hash', '--mask', 'crm.people:phone:null', '--mask', '%:ssn:redact(a: $b)'],
      ...['--column-type', 'crm.people.score:decimal(10,2)', '--column-type', 'crm.people:age:double'],
      ...['--table-config', 'crm.people:RangeId:(a::int):4;öl::id:', '--where', 'crm.people:id > 1, or -- $x'],
    ]);
    expect(text.replace(/^# .*\n+/, '')).toBe(`tables:
  crm.people:
    where: id > 1, or -- $x
    method: RangeId
    key: (a::int)
    degree: 4
    mask:
      email: hash
      phone: 'null'
    column_type:
      score: decimal(10,2)
      age: double
  öl:
    key: id
  '%':
    mask:
      ssn: 'redact(a: $b)'
`);
    // The second mask of the table comes after that of all tables.
    expect(saved(['--mask', 'a:b:null', '--mask', '%:b:hash', '--mask', 'a:c:null'])).not.toContain('tables');
  });

  it('stands for any command line: its settings are the same', async () => {
    const odd = fc.string({ unit: fc.constantFrom(...Array.from("ab%_.\\$ {}'#&*!|>-\n[]é7;~")), maxLength: 8 });
    const names = [
      'a',
      'orders',
      'order_items',
      'null',
      'true',
      '7',
      'x\\_y',
      'sales.orders',
      'sales.%',
      '%',
      '"a:b".c',
      'é',
    ];
    const pattern = fc.oneof(
      fc.constantFrom(...names),
      odd.map((text) => `"${text}x"`),
    );
    const column = fc.constantFrom('id', 'e%', '"a.b:c"', 'null', '1', 'on', 'x\\.y', 'é');
    const of = (...parts: (fc.Arbitrary<string> | string)[]) =>
      fc
        .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
        .map((all) => all.join(''));
    const mask = fc.oneof(fc.constantFrom('null', 'hash', 'redact', 'partial(1,2)'), of('redact(', odd, ')'));
    const values: Readonly<Record<string, fc.Arbitrary<string>>> = {
      include: of(pattern, ',', pattern),
      query: of(
        '"',
        odd.map((text) => text.replaceAll('"', '')),
        'x"=SELECT ',
        odd,
        ' x',
      ),
      columns: of(pattern, ':', column, ',', column),
      exclude_columns: of(pattern, ':', column),
      where: of(pattern, ':', odd, ' > 1, ', odd, 'x'),
      sample: of(pattern, ':', fc.constantFrom('5%', '7', '0.5%')),
      add_column: of('"', odd, 'x"=constant:', odd),
      table_config: of(
        fc.constantFrom('orders', 'a.b', '"a;b"', 'order_items'),
        ':',
        fc.constantFrom('RangeId:id:', '::4', ':(x::int):'),
      ),
      partition_by: of(pattern, ':', fc.constantFrom('year(d), region', '(a || $$b$$)', '"x y"')),
      sort_by: of(pattern, ':', column, ' DESC'),
      mask: of(pattern, ':', column, ':', mask),
      column_type: fc.oneof(of(pattern, ':', column, ':double'), of(pattern, '.', column, ':decimal(3,1)')),
      bloom_filter: of(pattern, ':', column, fc.constantFrom('', ':0.1')),
      route: of(pattern, '=st'),
      compression_level: fc.constant('3'),
      max_file_size: fc.constantFrom('512MiB', '70000'),
      mask_salt: fc.constant('$env{SALT}'),
      sub_path: of(
        'x',
        odd.map((text) => text.replaceAll(/[{}\\\n]/g, '')),
        'y',
      ),
    };
    const flags = fc.array(
      fc.constantFrom(...Object.keys(values)).chain((name) => of(`--${name}=`, values[name]!)),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(flags, async (words) => {
        const argv = ['-a', 'auth.json', '--source-db-auth-id', 'ds', '--output-dir', './out', ...words];
        const given = parseCommandLine(argv).flags;
        try {
          readExportSettings(given);
        } catch (thrown) {
          // No command line that can run, and none to save.
          fc.pre(LakeportError.from(thrown).exit !== 'usage');
        }
        const { values: read } = await jobOf(saved(argv));
        expect(optionsOf(new ParsedFlags(read))).toEqual(optionsOf(given));
        const { authFile, sourceId, target } = readExportSettings(given);
        expect(readExportSettings(new ParsedFlags(read))).toMatchObject({ authFile, sourceId, target });
      }),
      { numRuns: 150 },
    );
  });

  it('keeps references of the file that it was made of, and has no secret', async () => {
    const { written } = await jobOf('output_dir: $env{TARGET}\nn_jobs: 2', { TARGET: '/secret/place' });
    const typed = new Map([['n_jobs', ['4']]]);
    const text = jobText({ values: overJobFile(typed, written), typed, redactor: new Redactor() });
    expect(text).toMatch(/^output_dir: \$env\{TARGET\}\nn_jobs: 4$/m);
    const redactor = new Redactor();
    redactor.add('hunter2-and-more');
    expect(() => saved(['-i', 'hunter2-and-more'], redactor)).toThrow(/^--include contains a credential/);
    expect(() => saved(['--output-dir', 's3://me:hunter3@bucket/x'])).toThrow(/^--output-dir contains a credential/);
  });

  it('nests what is set by table, and leaves out what names a single run', () => {
    expect(
      saved(['--route', 'sales.%=s3_eu', '--run-id', '123e4567-e89b-42d3-a456-426614174000', '--license', 'x']),
    ).toMatch(/^tables:\n {2}sales\.%:\n {4}route: s3_eu\n$/m);
  });

  it('replaces no other file', () => {
    const file = path.join(scratch.path, 'once.yaml');
    saveJobFile(file, 'n_jobs: 1\n');
    expect(() => saveJobFile(file, 'n_jobs: 2\n')).toThrow(/once.yaml cannot be written: it exists$/);
    expect(readFileSync(file, 'utf8')).toBe('n_jobs: 1\n');
    expect(() => saveJobFile(path.join(file, 'x'), '')).toThrow(/cannot be written: a file is in the place/);
    expect(existsSync(`${file}.x`)).toBe(false);
  });
});
