import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { postgresEntry, writeAuthFile } from '../../harness/cli.js';
import { ScratchDirectory } from '../../harness/scratch.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';

/** The example of docs/api.md in a package of its own, which has lakeport as its dependency. */

const ROOT = path.resolve(import.meta.dirname, '../../..');

const DECLARATIONS = path.join(ROOT, 'dist/index.d.ts');

/** What only declarations that are complete can tell. */
const MISTAKES = `import { exportTables, readAuthFile } from 'lakeport';

const auth = await readAuthFile('auth.json');
const target = { directory: './exports' };
void exportTables({ auth, options: { sourceId: 'ds_pg', target, codec: 'zip' } });
void exportTables({ auth, options: { sourceId: 'ds_pg', target, includePattern: ['a%'] } });
const { rows } = await exportTables({ auth, options: { sourceId: 'ds_pg', target } });
export const name: string = rows;
`;

const run = promisify(execFile);
const project = new ScratchDirectory();
let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
  await server.query(`
    CREATE SCHEMA shop;
    CREATE TABLE shop.orders AS SELECT n AS id, n * 1.5 AS total FROM generate_series(1, 1000) n;
    CREATE TABLE shop.customers (id int);
    CREATE TABLE other (id int)`);
  const [, example = ''] = /```ts\n(.*?)```/s.exec(await readFile(path.join(ROOT, 'docs/api.md'), 'utf8')) ?? [];
  await mkdir(path.join(project.path, 'node_modules'));
  await symlink(ROOT, path.join(project.path, 'node_modules/lakeport'));
  await symlink(path.join(ROOT, 'node_modules/@types'), path.join(project.path, 'node_modules/@types'));
  await writeFile(path.join(project.path, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(path.join(project.path, 'example.ts'), example);
  await writeFile(path.join(project.path, 'example.js'), ts.transpile(example, { target: ts.ScriptTarget.ES2022 }));
  await writeAuthFile(project.path, { ds_pg: postgresEntry(server) });
});

afterAll(async () => {
  await server.stop();
  project.remove();
});

describe('the example of docs/api.md', () => {
  it('plans and exports the tables it names', async () => {
    const { stdout, stderr } = await run(process.execPath, ['example.js'], { cwd: project.path });
    const lines = stdout.trim().split('\n');
    expect(stderr).toBe('');
    expect(lines[0]).toMatch(/^2 tables, \d+ readers$/);
    expect(lines.slice(1, 3).sort()).toEqual(['shop.customers completed: 0 rows', 'shop.orders completed: 1000 rows']);
    expect(lines[3]).toBe('all tables were published');
    expect(existsSync(path.join(project.path, 'exports/shop/orders/_SUCCESS'))).toBe(true);
    expect(existsSync(path.join(project.path, 'exports/public'))).toBe(false);
  });

  it('names what is wrong by the code of an error', async () => {
    await writeAuthFile(project.path, { ds_pg: postgresEntry(server, { password: 'wrong' }) });
    const { stderr } = await run(process.execPath, ['example.js'], { cwd: project.path });
    expect(stderr).toMatch(/^SOURCE_[A-Z_]+ /);
  });

  it.skipIf(!existsSync(DECLARATIONS))('is right by the declarations, which find mistakes', async () => {
    await writeFile(path.join(project.path, 'mistakes.ts'), MISTAKES);
    const files = ['example.ts', 'mistakes.ts'].map((name) => path.join(project.path, name));
    const program = ts.createProgram(files, {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      lib: ['lib.es2022.d.ts'],
      types: ['node'],
    });
    const found = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
      const line = file?.getLineAndCharacterOfPosition(start).line ?? -1;
      return `${path.basename(file?.fileName ?? '')}:${line + 1} ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
    expect(found).toEqual([
      expect.stringMatching(/^mistakes\.ts:5 .*"zip"/),
      expect.stringMatching(/^mistakes\.ts:6 .*'includePattern' does not exist/),
      expect.stringMatching(/^mistakes\.ts:8 .*'number' is not assignable to type 'string'/),
    ]);
  });
});
