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

  it.skipIf(!existsSync(DECLARATIONS))('passes the checks of a project that has every declaration checked', () => {
    const program = ts.createProgram([path.join(project.path, 'example.ts')], {
      strict: true,
      noEmit: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      lib: ['lib.es2022.d.ts'],
      skipDefaultLibCheck: true,
      types: ['node'],
    });
    const problems = ts.getPreEmitDiagnostics(program);
    expect(
      problems.map(
        ({ messageText, file }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
      ),
    ).toEqual([]);
  });
});
