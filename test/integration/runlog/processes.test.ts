import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openRunLog } from '../../../src/runlog/run-log.js';
import type { RunLogTarget } from '../../../src/runlog/target.js';
import { distModule } from '../../harness/dist.js';
import { type LogDatabase, postgresLog, sqliteLog } from '../../servers/log-databases.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { ScratchDirectory } from '../../harness/scratch.js';

/** Processes that share one log, each with its own run. */

const TABLES = 200;

let server: PostgresServer;
let database: LogDatabase;
let scratch: ScratchDirectory;
let script: string;

beforeAll(async () => {
  server = await startPostgres();
  scratch = new ScratchDirectory();
  script = path.join(scratch.path, 'record.mjs');
  writeFileSync(script, SCRIPT);
});

afterAll(async () => {
  scratch.remove();
  await server.stop();
});

afterEach(() => database.remove());

/** Records a run as an export does, slowly enough for the processes to overlap. `killed` stops in the middle. */
const SCRIPT = `
  const [runLog, target, runId, tables, killed] = process.argv.slice(2);
  const { openRunLog } = await import(runLog);
  const log = await openRunLog(JSON.parse(target), { threaded: true, unloggedDirectory: '/nonexistent', writer: { gatherMs: 5 } });
  const trouble = [];
  const run = await log.begin(
    { runId, startedAt: new Date(), commandLine: '', settings: {}, target: 'out', envName: undefined, sourceType: 'postgres' },
    { onTrouble: (error) => trouble.push(error.message) },
  );
  const slice = { index: 0, method: 'None', bounds: '', query: '', estimatedRows: 1 };
  const plans = Array.from({ length: Number(tables) }, (_, index) => ({
    id: { schema: 'public', name: 'table_' + index }, kind: 'table', columns: [], method: 'None', degree: 1, slices: [slice],
    storageId: 's', directory: 'd', displayPath: 'p' }));
  run.recorder.planned({ server: { address: 'a', database: 'd' }, snapshot: { consistency: 'run', takenAt: new Date().toISOString() },
    tables: plans, problems: [] });
  for (const [index, { id }] of plans.entries()) {
    run.recorder.tableStarted(id);
    run.recorder.sliceStaged(id, 0, { rows: 1, bytes: 1, unrepresentable: {}, files: [] });
    if (index === plans.length / 2 && killed === 'killed') {
      await run.flush();
      process.kill(process.pid, 'SIGKILL');
    }
    run.recorder.tablePublished(id, [{ slice: 0, storageId: 's', path: 'f', displayPath: 'f', rows: 1, bytes: 1, sha256: 'x', rowGroups: 1 }]);
    run.recorder.tableEnded({ table: id, state: 'completed', rows: 1, files: 1, bytes: 1, path: 'p', unrepresentable: {} });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  run.recorder.ended({ tables: [], consistency: 'run' });
  await run.finish();
  await log.close();
  process.stdout.write(JSON.stringify(trouble));
`;

async function recordElsewhere(target: RunLogTarget, runId: string, options: { readonly killed?: boolean } = {}) {
  const fate = options.killed === true ? 'killed' : 'lives';
  const given = [distModule('runlog/run-log.js'), JSON.stringify(target), runId, String(TABLES), fate];
  const child = spawn(process.execPath, [script, ...given], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (text: Buffer) => (output.stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output.stderr += text.toString()));
  await once(child, 'close');
  return { code: child.exitCode, signal: child.signalCode, ...output };
}

const kinds: { name: string; make: () => Promise<LogDatabase> }[] = [
  { name: 'SQLite', make: () => Promise.resolve(sqliteLog()) },
  { name: 'PostgreSQL', make: () => postgresLog(server) },
];

describe.each(kinds)('processes with one log in $name', ({ make }) => {
  beforeEach(async () => {
    database = await make();
  });

  it('find it empty at the same time, and each records its run', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const ends = await Promise.all(ids.map((id) => recordElsewhere(database.target, id)));
    for (const end of ends) expect(end).toEqual({ code: 0, signal: null, stdout: '[]', stderr: '' });
    const log = await openRunLog(database.target);
    for (const id of ids) {
      const { run, tables, files } = await log.history(id);
      expect(run).toMatchObject({ state: 'completed', completedTables: TABLES, rows: TABLES });
      expect(tables.filter((table) => table.state === 'completed')).toHaveLength(TABLES);
      expect(files).toHaveLength(TABLES);
    }
    await log.close();
  });

  it('are not affected when one of them is killed, whose run can be resumed at once', async () => {
    const [killed, other] = await Promise.all([
      recordElsewhere(database.target, 'killed', { killed: true }),
      recordElsewhere(database.target, 'other'),
    ]);
    expect(killed.signal).toBe('SIGKILL');
    expect(other).toEqual({ code: 0, signal: null, stdout: '[]', stderr: '' });
    const log = await openRunLog(database.target);
    const states = (await log.runs({ limit: 2 })).map((run) => [run.runId, run.state]);
    expect(Object.fromEntries(states)).toEqual({ killed: 'interrupted', other: 'completed' });
    const { history, run } = await log.resume('killed');
    expect(history.tables.filter((table) => table.state === 'completed')).toHaveLength(TABLES / 2);
    expect(history.partitions.filter((one) => one.staged !== undefined)).toHaveLength(1);
    run.recorder.ended({ tables: [], consistency: 'none' } as never);
    await run.finish();
    await log.close();
  });
});
