import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSource } from '../../../src/engines.js';
import type { DatabaseEntry } from '../../../src/auth/entries.js';
import { runCliHere } from '../../harness/cli-here.js';
import { temporaryDirectory, type TemporaryDirectory, writeAuthFile } from '../../harness/cli.js';
import { failure } from '../../harness/failure.js';
import { queryDuckDb, quote } from '../../harness/parquet-readers/duckdb.js';
import { saySkipped } from '../../harness/skipped.js';

let home: TemporaryDirectory;
const opened: DatabaseSyncInstance[] = [];
beforeAll(async () => {
  home = await temporaryDirectory();
});
afterAll(async () => {
  for (const database of opened) database.close();
  await home.remove();
});

function entry(filepath: string): DatabaseEntry {
  return { kind: 'database', id: 'lite', engine: 'sqlite', info: { filepath } };
}

function make(name: string, sql: string): { readonly file: string; readonly database: DatabaseSyncInstance } {
  const file = path.join(home.path, name);
  const database = new DatabaseSync(file);
  database.exec(sql);
  opened.push(database);
  return { file, database };
}

async function exportFile(file: string, args: readonly string[] = []) {
  const directory = path.join(home.path, `out-${Math.random().toString(36).slice(2)}`);
  const authFile = await writeAuthFile(home.path, { lite: { ds_type: 'sqlite', info: { filepath: file } } });
  const cli = await runCliHere(['-a', authFile, '--source-db-auth-id', 'lite', '--output-dir', directory, ...args]);
  return { directory, cli };
}

describe('a file that is none of SQLite is told by what it is', () => {
  test('no file, a directory, an empty file, a database in memory', async () => {
    const empty = path.join(home.path, 'empty.db');
    writeFileSync(empty, '');
    expect(await failure(openSource(entry(path.join(home.path, 'missing.db'))))).toMatchObject({
      code: 'SOURCE_FILE_NOT_FOUND',
      exit: 'unreachable',
    });
    expect(await failure(openSource(entry(home.path)))).toMatchObject({ code: 'SOURCE_NOT_SQLITE' });
    expect(await failure(openSource(entry(empty)))).toMatchObject({ code: 'SOURCE_NOT_SQLITE' });
    expect(await failure(openSource(entry(':memory:')))).toMatchObject({ code: 'SOURCE_FILE_NOT_FOUND' });
  });

  test('other bytes, as an encrypted file has', async () => {
    const file = path.join(home.path, 'encrypted.db');
    writeFileSync(file, Buffer.alloc(8192, 'secret'));
    const error = await failure(openSource(entry(file)));
    expect(error).toMatchObject({ code: 'SOURCE_NOT_SQLITE', exit: 'unreachable', transient: false });
    expect(error.message).toContain('encrypted');
  });

  test('a file that others have locked', async () => {
    const { file, database } = make('locked.db', 'CREATE TABLE t (v)');
    database.exec('BEGIN EXCLUSIVE');
    const error = await failure(openSource(entry(file), { lockTimeoutMs: 50 }));
    database.exec('COMMIT');
    expect(error).toMatchObject({ code: 'SOURCE_LOCKED', transient: true });
  });

  const isRoot = process.getuid?.() === 0;
  if (isRoot) saySkipped('files of SQLite that may not be read', 'not the superuser');
  test.skipIf(isRoot)('a file that may not be read, and a log that has no directory to be in', async () => {
    const { file } = make('secret.db', 'CREATE TABLE t (v)');
    chmodSync(file, 0);
    expect(await failure(openSource(entry(file)))).toMatchObject({ code: 'SOURCE_FILE_UNREADABLE' });
    const directory = path.join(home.path, 'closed');
    mkdirSync(directory);
    const { file: logged, database } = make('closed/wal.db', 'PRAGMA journal_mode = WAL; CREATE TABLE t (v)');
    database.close();
    chmodSync(directory, 0o555);
    const error = await failure(openSource(entry(logged)));
    chmodSync(directory, 0o755);
    expect(error.hint).toContain('-shm');
  });

  test('a page that is not what it should be', async () => {
    const { file, database } = make('damaged.db', 'CREATE TABLE t (v TEXT); INSERT INTO t VALUES (1)');
    database.close();
    opened.pop();
    const content = execFileSync('cat', [file]);
    content.fill(0xff, 4096);
    writeFileSync(file, content);
    const { cli } = await exportFile(file);
    expect(cli.stderr).toContain('The file is damaged');
    expect(cli.stderr).toContain('.recover');
    expect(cli.code).toBe(3);
  });
});

describe('a value that does not fit its column', () => {
  const SQL = `
    CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, s TEXT, r REAL, b BLOB, f BOOLEAN);
    INSERT INTO t VALUES (1, 1, 'a', 1.5, x'01', 1), (2, 'word', x'02', 'word', 'text', 2), (3, 1.5, CAST(x'61ff' AS TEXT), x'03', 3, 'yes')`;

  test.each([
    ['from the pages of the file', ''],
    ['by SQLite', 'PRAGMA journal_mode = WAL;'],
  ])('fails its table, becomes NULL or text, as it was asked for, read %s', async (how, first) => {
    const { file } = make(`misfits-${how.length}.db`, first + SQL);
    const failed = await exportFile(file);
    expect(failed.cli.code).toBe(5);
    expect(failed.cli.stderr).toContain('Column n (INT) of main.t holds a value that is not an integer');
    expect(failed.cli.stderr).toContain('--sqlite-types text');

    const { directory, cli } = await exportFile(file, ['--on-unrepresentable', 'null']);
    expect(cli.code).toBe(0);
    const rows = await queryDuckDb(
      `SELECT id::INT AS id, n::INT AS n, s, r, hex(b) AS b, f FROM read_parquet(${quote(path.join(directory, 'main/t/*.parquet'))}) ORDER BY id`,
    );
    expect(rows).toEqual([
      { id: 1, n: 1, s: 'a', r: 1.5, b: '01', f: true },
      { id: 2, n: null, s: null, r: null, b: null, f: null },
      { id: 3, n: null, s: null, r: null, b: null, f: null },
    ]);
    expect(cli.stdout + cli.stderr).toContain('NULL');

    make(`texts-${how.length}.db`, `${first}${SQL.replace("CAST(x'61ff' AS TEXT)", "'z'")}`);
    const texts = await exportFile(path.join(home.path, `texts-${how.length}.db`), ['--sqlite-types', 'text']);
    expect(texts.cli.code).toBe(0);
    const written = await queryDuckDb(
      `SELECT n, s, r, b, f FROM read_parquet(${quote(path.join(texts.directory, 'main/t/*.parquet'))}) ORDER BY id`,
    );
    expect(written).toEqual([
      { n: '1', s: 'a', r: '1.5', b: '01', f: '1' },
      { n: 'word', s: '02', r: 'word', b: 'text', f: '2' },
      { n: '1.5', s: 'z', r: '03', b: '3', f: 'yes' },
    ]);
  });
});

test('nobody commits while a run holds its snapshot, and everybody may after it', async () => {
  const { file, database } = make('pinned.db', 'CREATE TABLE t (v); INSERT INTO t VALUES (1)');
  const source = await openSource(entry(file));
  const tables = await source.listTables();
  const { snapshot } = await source.pin(tables, { consistency: 'auto' });
  expect(snapshot.consistency).toBe('run');
  database.exec('PRAGMA busy_timeout = 20');
  expect(() => database.exec('INSERT INTO t VALUES (2)')).toThrow('locked');
  await source.close();
  database.exec('INSERT INTO t VALUES (2)');
});

test('a reader that a later commit would be seen by is refused, where one instant was asked for', async () => {
  const { file, database } = make('wal.db', 'PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES (1)');
  const { openReader } = await import('../../../src/engines.js');
  const source = await openSource(entry(file));
  const { snapshot } = await source.pin(await source.listTables(), { consistency: 'run' });
  const reader = await openReader(source.readerSettings(), snapshot);
  await reader.close();
  database.exec('INSERT INTO t VALUES (2)');
  expect(await failure(openReader(source.readerSettings(), snapshot))).toMatchObject({ code: 'SNAPSHOT_LOST' });
  const auto = await source.pin([], { consistency: 'auto' });
  expect(auto.snapshot.consistency).toBe('table');
  await source.close();
});
