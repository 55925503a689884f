import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { setMaskSalt } from '../../../src/sources/postgres/columns/masks.js';
import { type CliResult, postgresEntry } from '../../harness/cli.js';
import { LoggedUser } from '../../harness/logged-cli.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { hasPgBouncer, startPgBouncer } from '../../servers/pgbouncer.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { startTcpGate, type TcpGate } from '../../servers/tcp-gate.js';

/** Masked columns: what is written, and that the clear values are nowhere. */

const SALT = 'pepper-of-the-test';
const CLEAR = 'clear-value';
const ROWS = 2000;
/** A name that is no harm unless something forgets to quote it. */
const ODD = `o"dd];--$$\\ '`;
const ODD_TEXT = `it's "; $$ \\ -- */`;

let server: PostgresServer;
let gate: TcpGate;
let user: LoggedUser;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE SCHEMA s;
    CREATE TABLE s.people (
      id int PRIMARY KEY, email text NOT NULL, phone varchar(40), card char(30), tags text[], at timestamptz,
      amount numeric(12,2), document jsonb, ${quoted(ODD)} text, plain text);
    INSERT INTO s.people SELECT i, '${CLEAR}-mail-' || i || 'é', '${CLEAR}-ph-' || i, '${CLEAR}-' || i,
        ARRAY['${CLEAR}', i::text], timestamptz '2024-01-01 00:00+00' + i * interval '1 h', i * 1.25,
        jsonb_build_object('${CLEAR}', i), '${CLEAR} odd ' || i, 'plain ' || i
      FROM generate_series(1, ${ROWS}) i;
    INSERT INTO s.people (id, email) VALUES (0, '');
    CREATE TABLE s.fails (id int, d date);
    INSERT INTO s.fails VALUES (1, 'infinity');
    ANALYZE;`);
  gate = await startTcpGate(server, { isRecording: true });
  user = new LoggedUser(server);
  const through = { ...postgresEntry(server), info: { ...infoOf(server), server: gate.host, port: gate.port } };
  await user.authorize({ ds_pg: through });
}, 60_000);
afterAll(async () => {
  user.remove();
  await gate.stop();
  await server.stop();
});

function infoOf({ database, user: username, password }: PostgresServer): Readonly<Record<string, unknown>> {
  return { database, username, password, ssl: 'disable' };
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

const MASKS = [
  ...['--mask', 's.people:email:hash'],
  ...['--mask', '%.people:phone:partial(2,3)'],
  ...['--mask', `people:card:redact(${ODD_TEXT})`],
  ...['--mask', 's.people:tags:hash'],
  ...['--mask', 'people:at:null'],
  ...['--mask', 's.people:amount:hash'],
  ...['--mask', 's.people:doc%:redact'],
  ...['--mask', `s.people:${quoted(ODD)}:partial(0,0)`],
];
const SALTED = ['--mask_salt', '$env{PEPPER}'];

function exportIn(
  out: string,
  more: readonly string[],
  env: Readonly<Record<string, string>> = { PEPPER: SALT },
): Promise<CliResult> {
  const flags = ['-a', 'auth.json', '--source_db_auth_id', 'ds_pg', '--output_dir', out, '--compression_type', 'None'];
  return user.start([...flags, '--log_level', 'DEBUG', '--log_dir', 'logs', ...more], { env }).result;
}

function filesBelow(directory: string): { readonly name: string; readonly bytes: Buffer }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'auth.json')
    .map(({ parentPath, name }) => ({ name, bytes: readFileSync(path.join(parentPath, name)) }));
}

const rowsOf = (out: string) => `read_parquet(${quote(path.join(user.directory, out, 's', 'people', '*.parquet'))})`;

describe('masked columns', () => {
  let result: CliResult;
  let fromServer: string;
  beforeAll(async () => {
    const args = ['-i', 's.people', '-p', '2', '--large_table_threshold', '10', ...MASKS, ...SALTED];
    result = await exportIn('out', args);
    fromServer = gate.fromServer().toString('latin1');
  }, 60_000);

  test('are in no file, log, record or message, and not on the wire; nor is the salt', () => {
    expect(result).toMatchObject({ code: 0 });
    const said = `${result.stdout}${result.stderr}${fromServer}`;
    for (const secret of [CLEAR, SALT]) {
      expect(said.includes(secret)).toBe(false);
      for (const directory of [user.directory, user.stateDirectory]) {
        const leaking = filesBelow(directory).filter(
          ({ name, bytes }) => bytes.includes(secret) || name.includes(secret),
        );
        expect(leaking.map(({ name }) => name)).toEqual([]);
      }
    }
  });

  test('hold what the server makes of them, and NULL where they had it', async () => {
    const expected = await server.query(
      `SELECT id, encode(sha256(convert_to($1 || email, 'UTF8')), 'hex') AS email,
              left(phone, 2) || '***' || right(phone, 3) AS phone, CASE WHEN card IS NOT NULL THEN $2 END AS card,
              encode(sha256(convert_to($1 || tags::text, 'UTF8')), 'hex') AS tags, NULL AS at,
              encode(sha256(convert_to($1 || amount::text, 'UTF8')), 'hex') AS amount,
              CASE WHEN document IS NOT NULL THEN '***' END AS document,
              CASE WHEN ${quoted(ODD)} IS NOT NULL THEN '***' END AS odd, plain
       FROM s.people ORDER BY id`,
      [SALT, ODD_TEXT],
    );
    const columns = `id, email, phone, card, tags, "at", amount, document, ${quoted(ODD)} AS odd, plain`;
    expect(await queryDuckDb(`SELECT ${columns} FROM ${rowsOf('out')} ORDER BY id`)).toEqual(expected);
  });

  test('keep their nullability, and have statistics of what is written', async () => {
    const schema = await queryDuckDb(
      `SELECT name, repetition_type, converted_type FROM parquet_schema(${quote(path.join(user.directory, 'out/s/people/*.parquet'))}) WHERE name IN ('email', 'phone', 'at') GROUP BY ALL ORDER BY name`,
    );
    expect(schema).toEqual([
      { name: 'at', repetition_type: 'OPTIONAL', converted_type: 'TIMESTAMP_MICROS' },
      { name: 'email', repetition_type: 'REQUIRED', converted_type: 'UTF8' },
      { name: 'phone', repetition_type: 'OPTIONAL', converted_type: 'UTF8' },
    ]);
    const [statistics] = await queryDuckDb(
      `SELECT min(stats_min_value) AS least, max(stats_max_value) AS greatest
       FROM parquet_metadata(${quote(path.join(user.directory, 'out/s/people/*.parquet'))}) WHERE path_in_schema = 'email'`,
    );
    const [written] = await queryDuckDb(`SELECT min(email) AS least, max(email) AS greatest FROM ${rowsOf('out')}`);
    expect(statistics).toEqual(written);
  });

  test('are in the plan and in the manifest, with their masks', async () => {
    const plan = await user.run(
      'plan',
      '-a',
      'auth.json',
      '--source_db_auth_id',
      'ds_pg',
      '--output_dir',
      'out',
      '-i',
      's.people',
      '--json',
      ...MASKS,
      '--mask_salt',
      '$env{PATH}',
    );
    const document = JSON.parse(plan.stdout) as { tables: { columns: { name: string; mask?: string }[] }[] };
    const masks = (columns: readonly { name: string; mask?: string }[]) =>
      Object.fromEntries(columns.flatMap(({ name, mask }) => (mask === undefined ? [] : [[name, mask]])));
    const manifest = JSON.parse(
      filesBelow(path.join(user.directory, 'out'))
        .find(({ name }) => name.includes('manifest'))
        ?.bytes.toString() ?? '',
    ) as { columns: { name: string; mask?: string }[] };
    expect(masks(document.tables[0]?.columns ?? [])).toEqual({
      email: 'hash',
      phone: 'partial(2,3)',
      card: `redact(${ODD_TEXT})`,
      tags: 'hash',
      at: 'null',
      amount: 'hash',
      document: 'redact',
      [ODD]: 'partial(0,0)',
    });
    expect(masks(manifest.columns)).toEqual(masks(document.tables[0]?.columns ?? []));
  });
});

test('the salt does not outlive the transaction on a session that a pooler lends to others', async () => {
  const client = await server.connect();
  const salt = async () => {
    const { rows } = await client.query<{ salt: string }>(`SELECT current_setting('lakeport.mask_salt', true) AS salt`);
    return rows[0]?.salt;
  };
  await client.query('BEGIN');
  await setMaskSalt(client, SALT);
  expect(await salt()).toBe(SALT);
  await client.query('COMMIT');
  expect(await salt()).toBe('');
  await client.end();
});

describe('a salt', () => {
  test('is needed again to resume, from the environment', async () => {
    const args = ['-i', 's.%', '--mask', '%:id:hash', ...SALTED, '--run_id', '11111111-2222-4333-8444-555555555555'];
    expect((await exportIn('resumed', args)).code).toBe(5);
    await server.query(`UPDATE s.fails SET d = '2024-01-01'`);
    const resume = ['--resume', '11111111', '-a', 'auth.json'];
    const without = await user.start(resume).result;
    expect(without).toMatchObject({ code: 2 });
    expect(without.stderr).toContain('refers to the environment variable PEPPER, which is not set');
    expect(await user.start(resume, { env: { PEPPER: SALT } }).result).toMatchObject({ code: 0 });
    const file = path.join(user.directory, 'resumed/s/fails/*.parquet');
    const [expected] = await server.query(`SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex') AS id`, [`${SALT}1`]);
    expect(await queryDuckDb(`SELECT id FROM read_parquet(${quote(file)})`)).toEqual([expected]);
  });

  test('that is missing, empty or written out is refused, and not repeated', async () => {
    const hash = ['--mask', 's.people:email:hash'];
    const none = await exportIn('none', [...hash]);
    expect(none).toMatchObject({ code: 2 });
    expect(none.stderr).toContain('The mask hash needs a salt');
    const empty = await exportIn('none', [...hash, ...SALTED], { PEPPER: '' });
    expect(empty.stderr).toContain('refers to an empty value');
    const literal = await exportIn('none', [...hash, '--mask_salt', SALT]);
    expect(literal).toMatchObject({ code: 2 });
    expect(literal.stderr).not.toContain(SALT);
  });
});

describe('a setting', () => {
  test.each([
    [['--mask', 's.people:emial:null'], 'No column of s.people matches "emial" of --mask'],
    [['--mask', 's.persons:email:null'], 'No exported table matches "s.persons" of --mask'],
    [['--column_type', 's.people.nothing:text'], 'No column of s.people matches "nothing" of --column-type'],
  ])('that matches nothing is refused: %j', async (args, message) => {
    const { code, stderr } = await exportIn('none', ['-i', 's.people', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('of a masked column as a key of slices with bounds is refused', async () => {
    const key = ['--mask', 's.people:id:null', '--table_config', 's.people:RangeId:id:2'];
    const { code, stderr } = await exportIn('none', ['-i', 's.people', ...key]);
    expect(code).toBe(3);
    expect(stderr).toContain('s.people cannot be split by id: the column id is masked');
  });
});

test('a policy lets columns fail that it does not name', async () => {
  const policy = (columns: string) =>
    writeFileSync(
      path.join(user.directory, 'masks.yaml'),
      `unlisted: fail\ntables:\n  s.fails:\n    id: 'null'\n${columns}`,
    );
  policy('');
  const { code, stderr } = await exportIn('policy', ['-i', 's.fails', '--mask_file', 'masks.yaml']);
  expect(code).toBe(2);
  expect(stderr).toContain('there is 1 column that is not in it: s.fails.d');
  policy('    d: none\n');
  expect(await exportIn('policy', ['-i', 's.fails', '--mask_file', 'masks.yaml'])).toMatchObject({ code: 0 });
  const file = path.join(user.directory, 'policy/s/fails/*.parquet');
  expect(await queryDuckDb(`SELECT id, d FROM read_parquet(${quote(file)})`)).toEqual([{ id: null, d: '2024-01-01' }]);
});

test.skipIf(!hasPgBouncer)('hashes are the same through PgBouncer, which lends its sessions to others', async () => {
  await using pooler = await startPgBouncer(server, { mode: 'transaction', poolSize: 4 });
  await user.authorize({ pooled: postgresEntry(pooler.server) });
  const flags = ['-a', 'auth.json', '--source_db_auth_id', 'pooled', '--output_dir', 'pooled', '-i', 's.people'];
  const args = ['-p', '2', '--large_table_threshold', '10', '--mask', 's.people:email:hash', ...SALTED];
  const { code, stderr } = await user.start([...flags, ...args], { env: { PEPPER: SALT } }).result;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  const [sums] = await queryDuckDb(
    `SELECT count(*)::INT AS n, md5(string_agg(email, ',' ORDER BY id)) AS hashes FROM ${rowsOf('pooled')}`,
  );
  const [expected] = await server.query(
    `SELECT count(*)::int AS n, md5(string_agg(encode(sha256(convert_to($1 || email, 'UTF8')), 'hex'), ',' ORDER BY id)) AS hashes
     FROM s.people`,
    [SALT],
  );
  expect(sums).toEqual(expected);
});
