import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { EntityDocument, ManifestDocument, TypeAttribute } from '../../../src/export/cdm/documents.js';
import { readFolders, whyNoObjectModel } from '../../harness/common-data-model/index.js';
import { ENTITY_SCHEMA, MANIFEST_SCHEMA } from '../../harness/common-data-model/schemas.js';
import { validate, whyNoValidator } from '../../harness/json-schema.js';
import { isStopped } from '../../harness/killed-runs.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';

/** `--generate_metadata` of tables in three schemas, while they are exported and afterwards. */

const ODD = `o'd"d/n:a\\me`;
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const COMMENT = `it's "so"\n😀`;

/** Type, and what the entity says of a column of it. */
const TYPES: readonly (readonly [name: string, type: string, expected: Partial<TypeAttribute>])[] = [
  ['b', 'boolean', { dataType: 'boolean', dataFormat: 'Boolean' }],
  ['i2', 'smallint', { dataType: 'smallInteger', dataFormat: 'Int16' }],
  ['i4', 'integer', { dataType: 'integer', dataFormat: 'Int32' }],
  ['i8', 'bigint', { dataType: 'bigInteger', dataFormat: 'Int64' }],
  ['f4', 'real', { dataType: 'float', dataFormat: 'Float' }],
  ['f8', 'double precision', { dataType: 'double', dataFormat: 'Double' }],
  ['n', 'numeric(12,2)', { dataType: 'decimal', dataFormat: 'Decimal', appliedTraits: [shape('12', '2')] }],
  ['n38', 'numeric(38,0)', { dataType: 'decimal', dataFormat: 'Decimal', appliedTraits: [shape('38', '0')] }],
  ['any', 'numeric', { dataType: 'string', dataFormat: 'String' }],
  ['t', 'text', { dataType: 'string', dataFormat: 'String' }],
  ['v', 'varchar(20)', { dataType: 'string', dataFormat: 'String', maximumLength: 20 }],
  ['c', 'char(3)', { dataType: 'string', dataFormat: 'String', maximumLength: 3 }],
  ['vs', 'varchar(20)[]', { dataType: 'string', dataFormat: 'String', appliedTraits: ['is.dataFormat.list'] }],
  ['j', 'jsonb', { dataType: 'string', dataFormat: 'String' }],
  ['x', 'bytea', { dataType: 'binary', dataFormat: 'Binary' }],
  ['d', 'date', { dataType: 'date', dataFormat: 'Date' }],
  ['ti', 'time', { dataType: 'time', dataFormat: 'Time' }],
  ['ts', 'timestamp', { dataType: 'dateTime', dataFormat: 'DateTime' }],
  ['tz', 'timestamptz', { dataType: 'dateTimeOffset', dataFormat: 'DateTimeOffset' }],
  ['u', 'uuid', { dataType: 'guid', dataFormat: 'Guid' }],
];

function shape(precision: string, scale: string) {
  return {
    traitReference: 'is.dataFormat.numeric.shaped',
    arguments: [
      { name: 'precision', value: precision },
      { name: 'scale', value: scale },
    ],
  };
}

let server: PostgresServer;
let user: LoggedUser;
let auth: string;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE SCHEMA hr; CREATE SCHEMA sales; CREATE SCHEMA odd;
    CREATE TABLE hr.people (id int PRIMARY KEY, email varchar(50) UNIQUE, boss int REFERENCES hr.people);
    INSERT INTO hr.people VALUES (1, 'a@x', NULL), (2, 'b@x', 1);
    CREATE TABLE sales.shops (country char(2), number int, PRIMARY KEY (country, number));
    INSERT INTO sales.shops VALUES ('DE', 1);
    CREATE TABLE sales.left_out (id int PRIMARY KEY);
    CREATE TABLE sales.orders (
      id bigint PRIMARY KEY, country char(2), number int, region text, seller int CONSTRAINT sold_by REFERENCES hr.people,
      contact varchar(50) REFERENCES hr.people (email), other int REFERENCES sales.left_out, amount numeric(12,2) NOT NULL,
      CONSTRAINT in_shop FOREIGN KEY (country, number) REFERENCES sales.shops);
    INSERT INTO sales.orders VALUES (1, 'DE', 1, 'a/b', 1, 'a@x', NULL, 1), (2, 'DE', 1, NULL, 2, 'b@x', NULL, 2);
    COMMENT ON TABLE sales.orders IS '${COMMENT.replaceAll("'", "''")}';
    COMMENT ON COLUMN sales.orders.amount IS '${COMMENT.replaceAll("'", "''")}';
    COMMENT ON COLUMN sales.orders.region IS 'where';
    CREATE VIEW sales.big AS SELECT id, amount FROM sales.orders;
    CREATE TABLE odd.${quoted(ODD)} (${quoted('a/b')} int PRIMARY KEY);
    CREATE TABLE odd."default.manifest" (id int);
    CREATE TABLE odd.kinds (${TYPES.map(([name, type]) => `"${name}" ${type}`).join(', ')});
    CREATE SCHEMA alone; CREATE TABLE alone.good AS SELECT 1 AS id; CREATE TABLE alone.bad AS SELECT 1::numeric(9,2) AS n`);
  user = new LoggedUser(server);
  const filepath = path.join(user.directory, 'shop.db');
  auth = await user.authorize({ lite: { ds_type: 'sqlite', auth_mode: 'filesystem', info: { filepath } } });
});
afterAll(async () => {
  user.remove();
  await server.stop();
});

const ALL = ['--generate_metadata', '--include_entity_files'];

interface Result {
  readonly code: number | null;
  readonly document: {
    readonly exit_code: number;
    readonly run_id: string;
    readonly tables: unknown;
    readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
    readonly common_data_model?: {
      readonly manifests: readonly string[];
      readonly entity_files: readonly string[];
      readonly error?: { readonly code: string };
    };
  };
  readonly stderr: string;
}

async function lakeport(...words: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await user.run(...words, '--json');
  return { code, document: JSON.parse(stdout) as Result['document'], stderr };
}

function exporting(directory: string, ...words: readonly string[]): Promise<Result> {
  return lakeport('-a', auth, '--source_db_auth_id', 'ds_pg', '--output_dir', directory, ...words);
}

const afterwards = (runId: string, ...words: readonly string[]) => lakeport('--run_id', runId, ...ALL, ...words);

const manifestAt = (...segments: readonly string[]) => json(segments) as ManifestDocument;
const entityAt = (...segments: readonly string[]) => (json(segments) as EntityDocument).definitions[0];

function json(segments: readonly string[]): unknown {
  return JSON.parse(readFileSync(path.join(...segments), 'utf8'));
}

/** Contents by name, of all documents below a directory. */
function documentsIn(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  const documents = names.filter((name) => /(?:^|\/)manifest\.json$|\.cdm\.json$/.test(name)).toSorted();
  return Object.fromEntries(documents.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')]));
}

describe('an export of several schemas', () => {
  let out: string;
  let run: Result;

  beforeAll(async () => {
    out = path.join(user.directory, 'several');
    run = await exporting(
      ...[out, ...ALL, '--source_schema_name', 'hr,sales,odd', '--include_views', '--exclude', 'left_out'],
      ...['--manifest_name', 'shop', '--partition_by', 'sales.orders:region', '--sub_path', 'daily/x'],
      ...['--mask', 'hr.people:email:redact', '--query', 'totals=SELECT count(*) AS n FROM sales.orders'],
    );
    expect(run.stderr).not.toContain('failed');
    expect(run.code).toBe(0);
    out = path.join(out, 'daily/x');
  });

  it('names the files that it has written, and no others', () => {
    const { manifests = [], entity_files: entities = [] } = run.document.common_data_model ?? {};
    const written = [...manifests, ...entities].map((file) => path.relative(out, path.resolve(file)));
    expect(written.toSorted()).toEqual(Object.keys(documentsIn(out)));
    expect(path.resolve(manifests[0] ?? '')).toBe(path.join(out, 'manifest.json'));
    expect(written.filter((name) => name.startsWith('odd/')).toSorted()).toEqual([
      'odd/default%2Emanifest.cdm.json',
      'odd/default.manifest.cdm.json',
      'odd/kinds.cdm.json',
      'odd/manifest.json',
      `odd/o'd"d%2Fn%3Aa%5Cme.cdm.json`,
    ]);
  });

  it('has a manifest above the schemas, which tells what is between them', () => {
    const { explanation, ...top } = manifestAt(out, 'manifest.json');
    expect(explanation).toContain(run.document.run_id);
    expect(top).toMatchObject({
      manifestName: 'shop',
      entities: [{ entityName: 'totals', entityPath: 'totals.cdm.json/totals' }],
      subManifests: ['hr', 'odd', 'sales'].map((name) => ({
        manifestName: name,
        definition: `${name}/manifest.json`,
      })),
    });
    // Not between `contact` and `email`, which is masked.
    expect(top.relationships).toEqual([
      {
        name: 'sold_by',
        fromEntity: 'sales/orders.cdm.json/orders',
        fromEntityAttribute: 'seller',
        toEntity: 'hr/people.cdm.json/people',
        toEntityAttribute: 'id',
      },
    ]);
  });

  it('lists every file of a table with its directories, and foreign keys within the schema', () => {
    const { entities, relationships } = manifestAt(out, 'sales/manifest.json');
    expect(entities.map(({ entityName }) => entityName)).toEqual(['big', 'orders', 'shops']);
    const [, orders] = entities;
    expect(orders).toMatchObject({ type: 'LocalEntity', explanation: COMMENT, entityPath: 'orders.cdm.json/orders' });
    const partitions = orders?.dataPartitions ?? [];
    expect(partitions.map(({ location, arguments: values }) => [location, values])).toEqual([
      ['orders/region=a%2Fb/part-00000.parquet', [{ name: 'region', value: 'a/b' }]],
      ['orders/region=__HIVE_DEFAULT_PARTITION__/part-00001.parquet', undefined],
    ]);
    for (const { location, exhibitsTraits } of partitions) {
      const bytes = readFileSync(path.join(out, 'sales', location)).length;
      expect(exhibitsTraits).toEqual([
        { traitReference: 'is.partition.format.parquet' },
        { traitReference: 'is.partition.size', arguments: [{ name: 'value', value: String(bytes) }] },
      ]);
    }
    expect(relationships).toEqual(
      ['country', 'number'].map((column) => ({
        name: 'in_shop',
        fromEntity: 'orders.cdm.json/orders',
        fromEntityAttribute: column,
        toEntity: 'shops.cdm.json/shops',
        toEntityAttribute: column,
      })),
    );
    expect(manifestAt(out, 'hr/manifest.json').relationships).toMatchObject([
      { fromEntityAttribute: 'boss', toEntityAttribute: 'id' },
    ]);
  });

  it('describes columns, keys, comments, masks and directories in entity documents', () => {
    const orders = entityAt(out, 'sales/orders.cdm.json');
    expect(orders).toMatchObject({ entityName: 'orders', explanation: 'sales.orders', description: COMMENT });
    expect(orders.hasAttributes).toContainEqual({
      ...{ name: 'amount', dataType: 'decimal', dataFormat: 'Decimal', isNullable: false, description: COMMENT },
      appliedTraits: [shape('12', '2')],
    });
    expect(orders.hasAttributes[0]).toEqual({
      ...{ name: 'id', dataType: 'bigInteger', dataFormat: 'Int64', isNullable: false, isPrimaryKey: true },
    });
    expect(orders.hasAttributes.at(-1)).toEqual({
      ...{ name: 'region', dataType: 'string', dataFormat: 'String', isNullable: true, description: 'where' },
      appliedTraits: ['is.virtual.attribute'],
    });
    const people = entityAt(out, 'hr/people.cdm.json');
    expect(people.hasAttributes[1]).toEqual({
      ...{ name: 'email', dataType: 'string', dataFormat: 'String', isNullable: true },
    });
    const odd = entityAt(out, `odd/o'd"d%2Fn%3Aa%5Cme.cdm.json`);
    expect(odd).toMatchObject({ entityName: `o'd"d%2Fn%3Aa%5Cme`, displayName: ODD });
  });

  it.each(TYPES)('describes a column %s of the type %s', (name, _, expected) => {
    const kinds = entityAt(out, 'odd/kinds.cdm.json');
    expect(kinds.hasAttributes.find((one) => one.name === name)).toEqual({ name, isNullable: true, ...expected });
  });

  it.skipIf(whyNoValidator() !== undefined)('is valid by the schemas of the Common Data Model', async () => {
    const all = Object.entries(documentsIn(out)).map(([name, text]) => [name, JSON.parse(text) as unknown] as const);
    const isManifest = (name: string) => /(?:^|\/)(?:default\.)?manifest(?:\.cdm)?\.json$/.test(name);
    for (const [schema, some] of [
      [MANIFEST_SCHEMA, all.filter(([name]) => isManifest(name))],
      [ENTITY_SCHEMA, all.filter(([name]) => !isManifest(name))],
    ] as const) {
      const refused = { ...(some[0]?.[1] as object), extra: 1 };
      const problems = await validate(schema, [...some.map(([, document]) => document), refused]);
      expect(problems).toEqual([...some.map(() => null), expect.stringContaining('extra')]);
    }
  });

  it.skipIf(whyNoObjectModel() !== undefined)("is read by Microsoft's object model without a warning", async () => {
    const [folder] = await readFolders([path.join(out, 'default.manifest.cdm.json')]);
    expect(folder?.logged).toEqual([]);
    expect(folder?.manifests).toEqual(['shop', 'hr', 'odd', 'sales']);
    const { entities = {} } = folder ?? {};
    expect(Object.keys(entities).toSorted()).toEqual(
      ['big', 'default.manifest', 'kinds', `o'd"d%2Fn%3Aa%5Cme`, 'orders', 'people', 'shops', 'totals'].toSorted(),
    );
    for (const { files, traits } of Object.values(entities)) {
      expect(files.filter((file) => !existsSync(file))).toEqual([]);
      for (const names of traits) expect(names[0]).toBe('is.partition.format.parquet');
    }
    const attributes = entities['orders']?.attributes ?? [];
    expect(attributes.map(([name, format, isKey]) => [name, format, isKey])).toEqual([
      ...[
        ['id', 'INT64', true],
        ['country', 'STRING', false],
        ['number', 'INT32', false],
        ['seller', 'INT32', false],
        ['contact', 'STRING', false],
        ['other', 'INT32', false],
        ['amount', 'DECIMAL', false],
        ['region', 'STRING', false],
      ],
    ]);
    expect(attributes.find(([name]) => name === 'amount')).toEqual([
      ...['amount', 'DECIMAL', false, false, null, COMMENT, ['12', '2']],
    ]);
    expect(attributes.find(([name]) => name === 'contact')?.[4]).toBe(50);
    expect(entities['orders']?.arguments).toEqual([{ region: ['a/b'] }, {}]);
    const formats = Object.fromEntries(entities['kinds']?.attributes.map(([name, format]) => [name, format]) ?? []);
    const spelled = (format: string) => format.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
    expect(formats).toEqual(
      Object.fromEntries(TYPES.map(([name, , { dataFormat = '' }]) => [name, spelled(dataFormat)])),
    );
  });

  it('is written again afterwards, byte for byte, from the run log and the manifests of tables', async () => {
    const before = documentsIn(out);
    for (const name of Object.keys(before)) rmSync(path.join(out, name));
    const again = await afterwards(run.document.run_id, '--manifest_name', 'shop');
    expect(again.document).toMatchObject({
      exit_code: 0,
      tables: 8,
      common_data_model: run.document.common_data_model,
    });
    expect(documentsIn(out)).toEqual(before);
  });

  it('is nothing that verify stumbles over', async () => {
    for (const subject of [run.document.run_id, out]) {
      const { document } = await lakeport('verify', subject);
      expect(document).toMatchObject({ exit_code: 0, differences: [] });
    }
  });
});

describe('an export to the same place', () => {
  let out: string;
  const entitiesIn = () => manifestAt(out, 'alone/manifest.json').entities;
  const alone = (...words: readonly string[]) => exporting(out, '--source_schema_name', 'alone', ...words);

  beforeAll(async () => {
    out = path.join(user.directory, 'again');
    await server.query('CREATE TABLE alone.gone AS SELECT 1 AS id');
    expect((await alone(...ALL)).code).toBe(0);
    await server.query('DROP TABLE alone.gone; ALTER TABLE alone.good ADD more text');
  });

  it('has no manifest above the only schema, whose name the manifest has', () => {
    expect(existsSync(path.join(out, 'manifest.json'))).toBe(false);
    expect(manifestAt(out, 'alone/manifest.json')).toMatchObject({ manifestName: 'alone' });
    expect(entitiesIn().map(({ entityName }) => entityName)).toEqual(['bad', 'gone', 'good']);
  });

  it('leaves the documents as they are without the flag', async () => {
    const before = documentsIn(out);
    expect((await alone()).code).toBe(0);
    expect(documentsIn(out)).toEqual(before);
  });

  it('lists the tables of the run, and a table that failed as the earlier export left it', async () => {
    await server.query(`INSERT INTO alone.bad VALUES ('NaN')`);
    const earlier = entitiesIn().find(({ entityName }) => entityName === 'bad');
    const { code, document } = await alone(...ALL);
    expect([code, document.common_data_model?.error]).toEqual([5, undefined]);
    expect(entitiesIn().map(({ entityName }) => entityName)).toEqual(['bad', 'good']);
    const [bad] = entitiesIn();
    expect(bad?.dataPartitions[0]).toMatchObject({ location: earlier?.dataPartitions[0]?.location });
    const good = entityAt(out, 'alone/good.cdm.json');
    expect(good.hasAttributes.map(({ name }) => name)).toEqual(['id', 'more']);
    // The same afterwards.
    const before = documentsIn(out);
    expect((await afterwards(document.run_id)).code).toBe(0);
    expect(documentsIn(out)).toEqual(before);
  });

  it('does not list a table that failed and was never there, nor write anything where none was published', async () => {
    const fresh = path.join(user.directory, 'fresh');
    const onlyBad = ['--source_schema_name', 'alone', '--include', 'bad', ...ALL];
    const { code, document } = await exporting(fresh, ...onlyBad);
    expect([code, document.common_data_model, documentsIn(fresh)]).toEqual([5, undefined, {}]);
    expect((await afterwards(document.run_id)).document.error?.code).toBe('RUN_WITHOUT_TABLES');
    expect((await exporting(fresh, '--source_schema_name', 'alone', ...ALL)).code).toBe(5);
    expect(manifestAt(fresh, 'alone/manifest.json').entities).toMatchObject([{ entityName: 'good' }]);
  });

  it('keeps a file of another program, and says so; --resume writes the rest once it is away', async () => {
    const other = path.join(user.directory, 'other');
    const words = ['--source_schema_name', 'alone', '--include', 'good', ...ALL];
    expect((await exporting(other, ...words)).code).toBe(0);
    const file = path.join(other, 'alone/manifest.json');
    writeFileSync(file, '{"name": "a web page"}');
    const { code, document } = await exporting(other, ...words);
    expect(document).toMatchObject({ exit_code: 3, common_data_model: { error: { code: 'METADATA_IN_THE_WAY' } } });
    expect([code, readFileSync(file, 'utf8')]).toEqual([3, '{"name": "a web page"}']);
    rmSync(file);
    const resumed = await lakeport('--resume', document.run_id, '-a', auth);
    expect([resumed.code, resumed.document.common_data_model?.manifests.length]).toEqual([0, 2]);
    expect(manifestAt(file).entities).toHaveLength(1);
  });
});

describe('a run that is stopped, and killed, between its tables and its metadata', () => {
  it('has none, is refused afterwards, and gets it by --resume', async () => {
    const runId = randomUUID();
    const out = path.join(user.directory, 'killed');
    const words = ['-a', auth, '--source_db_auth_id', 'ds_pg', '--output_dir', out, '--source_schema_name', 'alone'];
    const env = {
      NODE_OPTIONS: `--import ${new URL('../../harness/crash-points.js', import.meta.url).href}`,
      LAKEPORT_TEST_CRASH: 'between entity files and metadata',
      LAKEPORT_TEST_CRASH_SIGNAL: 'SIGSTOP',
      LAKEPORT_TEST_CRASH_LOGGED: 'true',
    };
    const running = user.start([...words, '--include', 'good', '--run_id', runId, ...ALL], { env });
    await isStopped(running.child.pid ?? 0);
    expect(Object.keys(documentsIn(out))).toEqual(['alone/good.cdm.json']);
    const held = await afterwards(runId);
    expect(held.document).toMatchObject({ exit_code: 6, error: { code: 'RUN_HELD' } });
    running.child.kill('SIGKILL');
    await running.result;

    const refused = await afterwards(runId);
    expect(refused.document).toMatchObject({ exit_code: 2, error: { code: 'RUN_NOT_FINISHED' } });
    expect(refused.document.error?.hint).toContain(`--resume ${runId}`);
    expect(Object.keys(documentsIn(out))).toEqual(['alone/good.cdm.json']);
    const resumed = await lakeport('--resume', runId, '-a', auth);
    expect(resumed.code).toBe(0);
    expect(Object.keys(documentsIn(out))).toEqual([
      ...['alone/default.manifest.cdm.json', 'alone/good.cdm.json', 'alone/manifest.json'],
    ]);
  });
});

describe('metadata of a run that has ended', () => {
  let out: string;
  let runId: string;
  const code = async (...words: readonly string[]) => (await afterwards(runId, ...words)).document.error?.code;

  beforeAll(async () => {
    out = path.join(user.directory, 'ended');
    const run = await exporting(out, '--source_schema_name', 'hr');
    expect(run.code).toBe(0);
    runId = run.document.run_id;
  });

  it('needs nothing but the flags, and only writes manifests without --include_entity_files', async () => {
    const words = ['--run_id', runId, '--generate_metadata', '--output_dir', out];
    const { code: exit, stdout } = await user.run(...words);
    expect([exit, stdout]).toEqual([
      0,
      expect.stringMatching(/1 table of run .* described for the Common Data Model:/),
    ]);
    expect(Object.keys(documentsIn(out))).toEqual(['hr/default.manifest.cdm.json', 'hr/manifest.json']);
  });

  it('is refused for a run that the log does not have', async () => {
    const { document } = await afterwards(randomUUID());
    expect(document).toMatchObject({ exit_code: 2, error: { code: 'RUN_UNKNOWN' } });
  });

  it.each([
    [['--output_dir', '/tmp/x']],
    [['--target_storage_id', 'lake']],
    [['--dry_run']],
    [['--n_jobs', '2']],
    [['--manifest', 'inside']],
  ])('is refused with %j', async (words) => {
    expect(await code(...words)).toBe('FLAG_CONFLICT');
  });

  it('is refused if the run wrote no manifests', async () => {
    const run = await exporting(path.join(user.directory, 'bare'), '--source_schema_name', 'hr', '--manifest', 'none');
    expect((await afterwards(run.document.run_id)).document.error?.code).toBe('RUN_WITHOUT_MANIFESTS');
  });

  it.each([
    ['hr/people/part-00000.parquet', /its file part-00000.parquet is gone/],
    ['hr/_people.manifest.json', /its manifest is gone/],
    ['hr/people/_SUCCESS', /it is being published, or is incomplete/],
  ])('is refused if %s is gone, and changes nothing', async (name, message) => {
    const before = documentsIn(out);
    const file = path.join(out, name);
    renameSync(file, `${file}.away`);
    const { document } = await afterwards(runId);
    expect(document).toMatchObject({ exit_code: 2, error: { code: 'TABLE_GONE' } });
    expect(document.error?.message).toMatch(message);
    renameSync(`${file}.away`, file);
    expect(documentsIn(out)).toEqual(before);
  });

  it('is refused if another run has exported a table to the same place since', async () => {
    const newer = await exporting(out, '--source_schema_name', 'hr');
    const { document } = await afterwards(runId);
    expect(document).toMatchObject({ exit_code: 2, error: { code: 'NEWER_EXPORT' } });
    expect(document.error?.hint).toContain(newer.document.run_id);
  });
});

describe('SQLite', () => {
  it('has the types of its values, keys, and no lengths; manifests inside the directories do as well', async () => {
    const database = new DatabaseSync(path.join(user.directory, 'shop.db'));
    database.exec(`CREATE TABLE kinds (id INTEGER PRIMARY KEY, b BOOLEAN, i INT NOT NULL, r REAL, n DECIMAL(10,2),
        t TEXT, v VARCHAR(20), x BLOB, d DATE, ts TIMESTAMP, left_out INT);
      CREATE TABLE parts (kind INTEGER REFERENCES kinds (id), number INT, PRIMARY KEY (kind, number)) WITHOUT ROWID`);
    database.close();
    const out = path.join(user.directory, 'sqlite');
    const words = ['--manifest', 'inside', '--exclude_columns', 'kinds:left_out', '--sqlite_types', 'declared'];
    const run = await lakeport('-a', auth, '--source_db_auth_id', 'lite', '--output_dir', out, ...ALL, ...words);
    expect(run.code).toBe(0);
    const { hasAttributes } = entityAt(out, 'main/kinds.cdm.json');
    expect(hasAttributes.map(({ name, dataFormat, maximumLength }) => [name, dataFormat, maximumLength])).toEqual([
      ...[
        ['id', 'Int64', undefined],
        ['b', 'Boolean', undefined],
        ['i', 'Int64', undefined],
        ['r', 'Double', undefined],
        ['n', 'Double', undefined],
        ['t', 'String', undefined],
        ['v', 'String', undefined],
        ['x', 'Binary', undefined],
        ['d', 'String', undefined],
        ['ts', 'String', undefined],
      ],
    ]);
    const keys = ['kinds', 'parts'].map((name) =>
      entityAt(out, `main/${name}.cdm.json`)
        .hasAttributes.filter((one) => one.isPrimaryKey)
        .map((one) => one.name),
    );
    expect(keys).toEqual([['id'], ['kind', 'number']]);
    expect(manifestAt(out, 'main/manifest.json').relationships).toMatchObject([
      { fromEntity: 'parts.cdm.json/parts', fromEntityAttribute: 'kind', toEntity: 'kinds.cdm.json/kinds' },
    ]);
    const before = documentsIn(out);
    expect((await afterwards(run.document.run_id)).code).toBe(0);
    expect(documentsIn(out)).toEqual(before);
  });
});

describe('a plan', () => {
  it('names the documents to come, and writes none', async () => {
    const out = path.join(user.directory, 'planned');
    const words = ['-a', auth, '--source_db_auth_id', 'ds_pg', '--output_dir', out, '--source_schema_name', 'hr,sales'];
    const { document } = await lakeport('plan', ...words, '--include', 'people,shops', ...ALL);
    const names = (files: readonly string[] = []) => files.map((file) => path.relative(out, path.resolve(file)));
    expect(names(document.common_data_model?.manifests)).toEqual(
      ['', 'sales/', 'hr/'].flatMap((folder) => [`${folder}manifest.json`, `${folder}default.manifest.cdm.json`]),
    );
    expect(names(document.common_data_model?.entity_files).toSorted()).toEqual([
      ...['hr/people.cdm.json', 'sales/shops.cdm.json'],
    ]);
    expect(existsSync(out)).toBe(false);
  });
});
