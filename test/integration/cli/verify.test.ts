import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

import { DatabaseSync } from '@photostructure/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { InspectDocument } from '../../../src/cli/reports/inspect-schema.js';
import type { VerifyDocument } from '../../../src/cli/reports/verify-schema.js';
import { readFooter } from '../../../src/parquet-reader/footer.js';
import { writeAuthFile } from '../../harness/cli.js';
import { runCliHere } from '../../harness/cli-here.js';
import { validate, whyNoValidator } from '../../harness/json-schema.js';
import { ScratchDirectory } from '../../harness/scratch.js';

/** `lakeport verify` and `lakeport inspect`, on an export of SQLite that is damaged in every way. */

const scratch = new ScratchDirectory();
const OUT = path.join(scratch.path, 'out');
const ORDERS = path.join(OUT, 'main/orders');
const PART = path.join(ORDERS, 'part-00000.parquet');
const MANIFEST = path.join(OUT, 'main/_orders.manifest.json');
let auth: string;
let runId: string;

async function lakeport(...args: readonly string[]) {
  return runCliHere(args, { env: { XDG_STATE_HOME: scratch.path } });
}

async function verify(...args: readonly string[]): Promise<VerifyDocument> {
  const { stdout } = await lakeport('verify', ...args, '--json');
  return JSON.parse(stdout) as VerifyDocument;
}

async function exported(...args: readonly string[]): Promise<string> {
  const flags = ['-a', auth, '--source_db_auth_id', 'db', '--json', ...args];
  const { stdout, stderr } = await lakeport(...flags);
  const document = JSON.parse(stdout) as { exit_code: number; run_id: string };
  if (document.exit_code !== 0) throw new Error(stderr);
  return document.run_id;
}

beforeAll(async () => {
  const file = path.join(scratch.path, 'shop.db');
  const database = new DatabaseSync(file);
  database.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT, price DECIMAL(10,2), "day" DATE NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO orders SELECT i, CASE WHEN i % 4 = 0 THEN NULL ELSE 'note ' || (i * 7919 % 5000) END, i * 1.25, '2024-01-01' FROM n;
    CREATE TABLE empty (id INTEGER PRIMARY KEY)`);
  database.close();
  auth = await writeAuthFile(scratch.path, {
    db: { ds_type: 'sqlite', auth_mode: 'filesystem', info: { filepath: file } },
    lake: { storage_type: 'local', info: { directory: OUT } },
  });
  runId = await exported('--output_dir', OUT, '--max_rows_per_file', '2000', '--row_group_rows', '1000');
});
afterAll(() => scratch.remove());

/** Changes something, verifies the run and the path, and puts it back. */
async function afterChange(change: () => void, subject: readonly string[] = [runId]): Promise<VerifyDocument> {
  const saved = path.join(scratch.path, 'saved');
  copyTree(OUT, saved);
  try {
    change();
    return await verify(...subject);
  } finally {
    rmSync(OUT, { recursive: true });
    renameSync(saved, OUT);
  }
}

function copyTree(from: string, to: string): void {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const source = path.join(entry.parentPath, entry.name);
    const target = path.join(to, path.relative(from, source));
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(source, target);
  }
}

function flip(file: string, at: number): void {
  const content = readFileSync(file);
  const index = at < 0 ? content.length + at : at;
  content[index] = (content[index] ?? 0) ^ 0x10;
  writeFileSync(file, content);
}

function edit(file: string, change: (manifest: Record<string, unknown>) => void): void {
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

const checks = ({ differences }: VerifyDocument) => differences.map(({ check }) => check);

describe('an export that nobody has touched', () => {
  it.each([
    ['the run', () => [runId]],
    ['the beginning of its id', () => [runId.slice(0, 8)]],
    ['everything below a path', () => [OUT]],
    ['the storage of an entry', () => ['-a', auth, 'lake']],
    ['a directory in the storage of an entry', () => ['-a', auth, 'lake/main/']],
  ])('is as its manifests say, by %s', async (_, subject) => {
    const document = await verify(...subject());
    expect(document).toMatchObject({
      exit_code: 0,
      totals: { tables: 2, files: 4, rows: 5000, differences: 0 },
      differences: [],
    });
  });

  it.each([
    ['its directory', () => ORDERS],
    ['its manifest', () => MANIFEST],
  ])('is verified one table at a time, by %s', async (_, subject) => {
    expect(await verify(subject())).toMatchObject({ exit_code: 0, totals: { tables: 1, files: 3, differences: 0 } });
  });

  it('has the statistics that its pages say, with --deep', async () => {
    expect(await verify(runId, '--deep')).toMatchObject({ exit_code: 0, deep: true, differences: [] });
  });

  it('is shown as a table', async () => {
    const { code, stdout } = await lakeport('verify', runId);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^TABLE +FILES +ROWS +SIZE +RESULT\n/);
    expect(stdout).toMatch(/\nmain\.orders +3 +5,000 +[\d.]+ kB +ok\n/);
    expect(stdout).toMatch(/\nVerified 4 files of 2 tables, .* no difference\n$/);
  });
});

describe('a difference is found:', () => {
  it.each<[string, () => void, string[]]>([
    ['a file that is gone', () => rmSync(PART), ['exists']],
    ['a flipped byte in a page', () => flip(PART, 200), ['sha256']],
    ['a flipped byte in the trailer', () => flip(PART, -1), ['sha256', 'footer']],
    ['a file that is cut', () => writeFileSync(PART, readFileSync(PART).subarray(0, 3000)), ['bytes', 'footer']],
    ['an empty file', () => writeFileSync(PART, ''), ['bytes', 'footer']],
    [
      'two files that were exchanged',
      () => {
        const other = path.join(ORDERS, 'part-00002.parquet');
        renameSync(PART, `${PART}_`);
        renameSync(other, PART);
        renameSync(`${PART}_`, other);
      },
      ['bytes', 'rows', 'row_groups', 'bytes', 'rows', 'row_groups'],
    ],
    ['a file that nobody names', () => copyFileSync(PART, path.join(ORDERS, 'part-00009.parquet')), ['unknown_file']],
    ['a table without _SUCCESS', () => rmSync(path.join(ORDERS, '_SUCCESS')), ['complete']],
    ['a manifest that is gone', () => rmSync(MANIFEST), ['manifest']],
    ['a manifest that is no JSON', () => writeFileSync(MANIFEST, '{'), ['manifest']],
    ['a manifest of a later version', () => edit(MANIFEST, (m) => (m['format_version'] = 3)), ['manifest']],
    ['a manifest with another row count', () => edit(MANIFEST, (m) => (m['row_count'] = 4999)), ['manifest']],
    [
      'a manifest with another checksum',
      () => edit(MANIFEST, (m) => ((m['files'] as { sha256: string }[])[0]!.sha256 = '0'.repeat(64))),
      ['manifest'],
    ],
    [
      'a manifest that leads elsewhere',
      () => edit(MANIFEST, (m) => ((m['files'] as { name: string }[])[0]!.name = '../../secret.parquet')),
      ['manifest'],
    ],
    [
      'a manifest with another type',
      () => edit(MANIFEST, (m) => ((m['columns'] as { parquet_type: string }[])[1]!.parquet_type = 'INT64')),
      ['columns', 'columns', 'columns'],
    ],
    [
      'a manifest with another count of NULLs',
      () => edit(MANIFEST, (m) => ((m['columns'] as { null_count: number }[])[1]!.null_count = 7)),
      ['nulls'],
    ],
    [
      'a manifest with other row groups',
      () =>
        edit(MANIFEST, (m) => ((m['files'] as { row_groups: object[] }[])[0]!.row_groups = [{ rows: 2000, bytes: 1 }])),
      ['row_groups'],
    ],
    ['a table of a later run', () => edit(MANIFEST, (m) => (m['run_id'] = 'another')), ['run']],
  ])('%s', async (_, change, expected) => {
    const document = await afterChange(change);
    expect(checks(document)).toEqual(expected);
    expect(document.exit_code).toBe(3);
  });

  it.each([
    ['the page index', (at: { columnIndex: number }) => at.columnIndex, 'page_index'],
    ['the offsets of pages', (at: { offsetIndex: number }) => at.offsetIndex, 'page_index'],
  ])('a flipped byte in %s, by --deep', async (_, place, check) => {
    const content = readFileSync(PART);
    const read = (start: number, end: number) => Promise.resolve(content.subarray(start, end));
    const footer = await readFooter({ name: PART, bytes: content.length, read });
    const { columnIndex, offsetIndex } = footer.rowGroups[0]!.chunks[1]!;
    const at = { columnIndex: columnIndex!.offset + 6, offsetIndex: offsetIndex!.offset + 4 };
    const deep = await afterChange(() => flip(PART, place(at)), [runId, '--deep']);
    expect(checks(deep)).toEqual(expect.arrayContaining(['sha256', check]));
  });

  it('nothing by a manifest of version 1, which is compared with its files all the same', async () => {
    const first = (m: Record<string, unknown>) => {
      const { schema, table, files, ...rest } = m as { files: Record<string, unknown>[] } & typeof m;
      for (const name of Object.keys(m)) Reflect.deleteProperty(m, name);
      const sliced = files.map(({ slice, ...file }) => ({ ...file, partition: slice }));
      Object.assign(m, { ...rest, format_version: 1, source: { schema, table }, files: sliced });
      for (const name of ['engine', 'directory', 'file_options', 'kind', 'snapshot', 'row_check'])
        Reflect.deleteProperty(m, name);
    };
    // Beside the directory there were none.
    const inside = path.join(ORDERS, '_manifest.json');
    const move = () => {
      edit(MANIFEST, first);
      renameSync(MANIFEST, inside);
    };
    expect(await afterChange(move, [ORDERS])).toMatchObject({ exit_code: 0, totals: { files: 3, rows: 5000 } });
    const damaged = await afterChange(() => {
      move();
      flip(PART, 200);
    }, [ORDERS, '--against_source', '-a', auth]);
    expect(checks(damaged)).toEqual(['sha256']);
    expect(damaged.tables[0]!.source).toMatchObject({
      compared: false,
      reason: expect.stringContaining('earlier version') as string,
    });
  });

  it('statistics that are not those of the pages, by --deep', async () => {
    const damage = () => {
      const content = readFileSync(PART);
      flip(PART, content.lastIndexOf('note '));
    };
    expect(checks(await afterChange(damage))).toEqual(['sha256']);
    const deep = await afterChange(damage, [runId, '--deep']);
    expect(deep.differences[0]).toMatchObject({ check: 'sha256' });
    expect(deep.differences[1]).toMatchObject({ expected: expect.stringMatching(/^note, row group 1: "~?/) as string });
    expect(deep.differences[1]!.check).toMatch(/^(?:min|max)$/);
  });

  it('pages that cannot be decoded, by --deep', async () => {
    const deep = await afterChange(() => {
      const content = readFileSync(PART);
      writeFileSync(PART, content.fill(0xff, 40, 400));
    }, [runId, '--deep']);
    expect(checks(deep)).toContain('pages');
    expect(deep.exit_code).toBe(3);
  });

  it('by the manifests alone: a changed file, and files of no table', async () => {
    const document = await afterChange(() => {
      flip(PART, 200);
      mkdirSync(path.join(OUT, 'main/other'));
      copyFileSync(PART, path.join(OUT, 'main/other/part-00000.parquet'));
    }, [OUT]);
    expect(document).toMatchObject({ exit_code: 3, totals: { differences: 2 } });
    expect(document.differences).toEqual([
      expect.objectContaining({ check: 'sha256', schema: 'main', table: 'orders', path: PART }),
      expect.objectContaining({ check: 'unknown_file', path: path.join(OUT, 'main/other/part-00000.parquet') }),
    ]);
  });

  it('and listed, with exit code 3', async () => {
    const saved = readFileSync(PART);
    flip(PART, 200);
    const { code, stdout } = await lakeport('verify', ORDERS);
    writeFileSync(PART, saved);
    expect(code).toBe(3);
    expect(stdout).toMatch(/\nCHECK +EXPECTED +FOUND +PATH\nsha256 +[0-9a-f]{64} +[0-9a-f]{64} +\S/);
    expect(stdout).toMatch(/1 difference\n$/);
  });
});

describe('compared with the database', () => {
  it('nothing differs, of a run and of a path', async () => {
    for (const subject of [runId, OUT]) {
      const document = await verify(subject, '--against_source', '-a', auth);
      expect(document).toMatchObject({ exit_code: 0, against_source: true, differences: [] });
      const byTable = Object.fromEntries(document.tables.map(({ table, source }) => [table, source]));
      expect(byTable).toMatchObject({
        empty: { compared: true, compared_columns: 1, counts_only: [] },
        orders: { compared: true, compared_columns: 4, counts_only: [] },
      });
    }
  });

  it('values that were exchanged for others of the same sum, and NULL, are found, with the time of the last write', async () => {
    const file = path.join(scratch.path, 'shop.db');
    copyFileSync(file, `${file}.saved`);
    const database = new DatabaseSync(file);
    database.exec(`UPDATE orders SET price = price + CASE id WHEN 100 THEN 1 ELSE -1 END WHERE id IN (100, 200);
      UPDATE orders SET note = NULL WHERE id = 1; UPDATE orders SET "day" = '2024-01-02' WHERE id = 5`);
    database.close();
    const document = await verify(ORDERS, '--against_source', '-a', auth);
    copyFileSync(`${file}.saved`, file);
    expect(document.differences.map(({ check, expected }) => `${check} ${String(expected)}`)).toEqual([
      'source_nulls note: 1251 NULLs',
      expect.stringMatching(/^source_hash price: /),
      'source_max day: 2024-01-02',
    ]);
    expect(document.tables[0]!.source!.change).toMatchObject({
      kind: 'changed',
      text: expect.stringContaining('last written') as string,
    });
  });
});

describe('what cannot be verified', () => {
  it.each<[string, string[], number, string]>([
    ['a run that the log does not have', ['ffffffff-0000-4000-8000-000000000000'], 2, 'RUN_UNKNOWN'],
    ['a path that does not exist', [path.join(OUT, 'none')], 2, 'FILE_NOT_FOUND'],
    ['a directory without manifests', [path.join(scratch.path, 'empty')], 2, 'NO_MANIFEST'],
    ['a Parquet file', [PART], 2, 'NO_MANIFEST'],
    ['an entry that does not exist', ['-a', 'AUTH', 'lkae/main'], 2, 'FILE_NOT_FOUND'],
    ['a database', ['-a', 'AUTH', 'db/main'], 2, 'WRONG_KIND_OF_ENTRY'],
    ['a path out of the storage', ['-a', 'AUTH', 'lake/../x'], 2, 'BAD_VALUE'],
  ])('is refused: %s', async (_, args, exitCode, code) => {
    mkdirSync(path.join(scratch.path, 'empty'), { recursive: true });
    const words = args.map((word) => (word === 'AUTH' ? auth : word));
    expect(await verify(...words)).toMatchObject({ exit_code: exitCode, error: { code } });
  });

  it('is a run that another process still holds', async () => {
    const held = await exported('--output_dir', path.join(scratch.path, 'held'));
    const log = new DatabaseSync(path.join(scratch.path, 'lakeport/runs.sqlite'));
    // The export's own connection may still be closing.
    log.exec('PRAGMA busy_timeout = 10000');
    // Its process, which is this one, lives, and its heartbeat is young.
    log.prepare(`UPDATE export_runs SET state = 'running' WHERE run_id = ?`).run(held);
    log.close();
    expect(await verify(held)).toMatchObject({ exit_code: 6, run_id: held, error: { code: 'RUN_HELD' } });
    expect(await verify(path.join(scratch.path, 'held'))).toMatchObject({ exit_code: 0, totals: { tables: 2 } });
  });

  it('is a run without manifests no more: its record is enough', async () => {
    const out = path.join(scratch.path, 'bare');
    const bare = await exported('--output_dir', out, '--manifest', 'none');
    expect(await verify(bare)).toMatchObject({ exit_code: 0, totals: { tables: 2, differences: 0 } });
    flip(path.join(out, 'main/orders/part-00000.parquet'), 300);
    expect(checks(await verify(bare))).toEqual(['sha256']);
  });
});

describe('lakeport inspect', () => {
  it('shows source types and fidelity of its own files', async () => {
    const { stdout } = await lakeport('inspect', PART, '--json', '--rows', '2');
    const document = JSON.parse(stdout) as InspectDocument;
    expect(document).toMatchObject({
      exit_code: 0,
      path: PART,
      bytes: statSync(PART).size,
      rows: 2000,
      created_by: expect.stringMatching(/^lakeport version /) as string,
      row_groups: [{ rows: 1000 }, { rows: 1000 }],
      first_rows: [
        ['1', 'note 2919', 1.25, '2024-01-01'],
        ['2', 'note 838', 2.5, '2024-01-01'],
      ],
    });
    expect(document.schema).toMatchObject([
      { name: 'id', source_type: 'INTEGER', fidelity: 'exact', field_id: 1 },
      { name: 'note', source_type: 'TEXT', fidelity: 'exact' },
      { name: 'price', source_type: 'DECIMAL(10,2)', parquet_type: 'DOUBLE' },
      { name: 'day', source_type: 'DATE', nullable: false },
    ]);
    expect(document.columns[0]).toMatchObject({ path: ['id'], nulls: 0, min: '1', max: '2000', page_index: true });
  });

  it('shows a table of rows', async () => {
    const { code, stdout } = await lakeport(
      'inspect',
      '-a',
      auth,
      'lake/main/orders/part-00000.parquet',
      '--rows',
      '1',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^File +.*part-00000\.parquet\n/);
    expect(stdout).toMatch(/\nFirst row\nid +note +price +day\n +1 +note 2919 +1\.25 +2024-01-01\n$/);
  });

  it.each<[string, string[], string]>([
    ['a directory', [ORDERS], 'IS_A_DIRECTORY'],
    ['an empty directory', [path.join(scratch.path, 'empty')], 'IS_A_DIRECTORY'],
    ['a storage', ['-a', 'AUTH', 'lake'], 'IS_A_DIRECTORY'],
    ['a file that does not exist', [`${PART}x`], 'FILE_NOT_FOUND'],
    ['a manifest', [MANIFEST], 'NOT_PARQUET'],
    ['an empty file', [path.join(ORDERS, '_SUCCESS')], 'NOT_PARQUET'],
  ])('refuses %s', async (_, args, code) => {
    mkdirSync(path.join(scratch.path, 'empty'), { recursive: true });
    const words = args.map((word) => (word === 'AUTH' ? auth : word));
    const { code: exit, stdout } = await lakeport('inspect', ...words, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ exit_code: 2, error: { code, hint: expect.any(String) as string } });
    expect(exit).toBe(2);
  });

  it.skipIf(whyNoValidator() !== undefined)('and verify print documents that their schemas allow', async () => {
    const schema = (name: string) => JSON.parse(readFileSync(`docs/schemas/${name}.json`, 'utf8')) as unknown;
    const { stdout } = await lakeport('inspect', PART, '--json', '--rows', '2');
    expect(await validate(schema('inspect'), [JSON.parse(stdout)])).toEqual([null]);
    const damaged = await afterChange(() => flip(PART, -1));
    expect(await validate(schema('verify'), [await verify(runId), damaged])).toEqual([null, null]);
  });
});
