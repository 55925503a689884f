import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, it } from 'vitest';

import { TestFleet } from '../../harness/fleet.js';
import { newerNode } from '../../harness/newer-node.js';
import { saySkipped } from '../../harness/skipped.js';
import { type PostgresServer, startPostgres } from '../../servers/postgres.js';
import { pythonProgram } from '../../servers/server-process.js';
import { hasSlurm, type Slurm, startSlurm } from '../../servers/slurm.js';

/** The recipes of docs/operations/scale-out.md, run by the launchers that they are for. */

const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/operations/scale-out.md', import.meta.url)), 'utf8');
/** What the recipes leave out. */
const FLAGS = '--source-db-auth-id ds_pg --output-dir out --include-views --log-db-auth-id log_pg';

const found = await newerNode();
if ('missing' in found) saySkipped('recipes of launchers', found.missing);
const node = 'node' in found ? found.node : '';
const hasParallel = existsSync('/usr/bin/parallel');
if (!hasParallel) saySkipped('the recipe for GNU parallel', "Debian's package parallel");
if (!hasSlurm)
  saySkipped('the recipe for Slurm', "root, and Debian's packages slurmctld, slurmd, slurm-client and munge");
const validate = pythonProgram('kubernetes-validate');
if (validate === undefined) saySkipped('the recipe for Kubernetes', 'kubernetes-validate from .ci/requirements.txt');

let server: PostgresServer;

beforeAll(async () => {
  if (node !== '') server = await startPostgres({ settings: { max_connections: 200 } });
});

afterAll(async () => {
  if (node !== '') await server.stop();
});

const TABLES = ['held1', 't1', 't2', 't3'];

describe.runIf(node !== '').concurrent('a documented recipe', () => {
  it.runIf(hasParallel)('for GNU parallel starts a killed worker again', async ({ expect }) => {
    await using fleet = await heldFleet('in_parallel');
    const recipe = documented('GNU parallel').replace('host1,host2,host3', '3/:').replace('…', FLAGS);
    const script = fleet.launch(['bash', '-c', recipe]);
    const { processId } = await fleet.readerOf('held1');
    process.kill(processId, 'SIGKILL');
    await fleet.readerOf('held1', processId);
    await fleet.open(1);
    const { code, stderr } = await script.result;
    expect(stderr).toMatch(/was lost while it read public\.held1/);
    expect(code).toBe(0);
    const names = (await fleet.workers()).filter(({ role }) => role === 'worker').map(({ name }) => name);
    expect(names).toHaveLength(4);
    expect(new Set(names)).toEqual(new Set(['w1', 'w2', 'w3']));
    expect(await fleet.wrongTables(TABLES)).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it.runIf(hasSlurm)('for Slurm gives back the slices of a task that is requeued', async ({ expect }) => {
    await using fleet = await heldFleet('in_slurm');
    await using slurm = await startSlurm();
    const recipe = documented('Slurm').replace('…', FLAGS).replace('--grace 25s', '--grace 4s');
    const script = path.join(fleet.directory, 'job.sh');
    writeFileSync(script, recipe);
    const options = { cwd: fleet.directory, env: fleet.environment };
    const job = (await slurm.run(['sbatch', '--parsable', '--array=0-3', script], options)).trim();
    const { name, processId } = await fleet.readerOf('held1');
    await fleet.until(() => fleet.isHeld('held1'), 'its reader is in the middle');
    const task = `${job}_${name.replace('task', '')}`;
    await slurm.run(['scontrol', 'requeue', task]);
    await fleet.readerOf('held1', processId);
    await fleet.open(1);
    const ended = 'COMPLETED 0:0';
    await fleet.until(async () => {
      // Slurm would wait for two minutes.
      await slurm.run(['scontrol', 'update', `JobId=${task}`, 'StartTime=now']).catch(() => undefined);
      const states = await statesOf(job, slurm);
      return states.length === 4 && !states.some((state) => /PENDING|RUNNING|COMPLETING|CONFIGURING/.test(state));
    }, 'all tasks have ended');
    expect(await statesOf(job, slurm)).toEqual([ended, ended, ended, ended]);
    const said = readFileSync(path.join(fleet.directory, `slurm-${job}_0.out`), 'utf8');
    expect(said).toMatch(/orker.* has given back public\.held1 /);
    expect(said).not.toContain('was lost');
    expect(await fleet.wrongTables(TABLES)).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  });

  it.runIf(validate !== undefined)('for Kubernetes is a valid manifest, whose script works', async ({ expect }) => {
    await using fleet = await heldFleet('in_pods');
    const manifest = documented('Kubernetes');
    const file = path.join(fleet.directory, 'job.yaml');
    writeFileSync(file, manifest);
    const wrong = path.join(fleet.directory, 'wrong.yaml');
    writeFileSync(wrong, manifest.replace('backoffLimitPerIndex', 'backoffLimitPerPod'));
    // An early one that knows all of it, and the latest.
    for (const version of [['--kubernetes-version', '1.29.0'], []]) {
      const check = (what: string) => execFileSync(validate!, ['--strict', ...version, what], { stdio: 'pipe' });
      check(file);
      expect(() => check(wrong)).toThrow();
    }

    await fleet.open(1);
    const [command, option, script = ''] = containerCommand(file);
    const here = script
      .replaceAll('/etc/lakeport/auth.json', 'auth.json')
      .replace('--target-storage-id lake', '--output-dir out --include-views');
    const pods = ['0', '1', '2'].map((index) =>
      fleet.launch([command!, option!, here], { JOB_COMPLETION_INDEX: index }),
    );
    for (const pod of pods) expect(await pod.result).toMatchObject({ code: 0 });
    expect(await fleet.wrongTables(TABLES)).toEqual([]);
  });
});

/** The first block of code that follows the launcher's name in bold. */
function documented(launcher: string): string {
  const from = PAGE.indexOf(`**${launcher}**`);
  const [, text] = /```\w+\n(.*?)```/s.exec(PAGE.slice(from)) ?? [];
  if (from === -1 || text === undefined) throw new Error(`No recipe for ${launcher} is documented`);
  return text;
}

function containerCommand(file: string): readonly string[] {
  const program = `
import json, sys, yaml
container = yaml.safe_load(open(sys.argv[1]))['spec']['template']['spec']['containers'][0]
print(json.dumps(container['command'] + container['args']))`;
  const text = execFileSync(pythonProgram('python')!, ['-c', program, file], { encoding: 'utf8' });
  // Of texts, as the schema says.
  return JSON.parse(text) as string[];
}

/** State and exit code of each task. */
async function statesOf(job: string, slurm: Slurm): Promise<readonly string[]> {
  const shown = await slurm.run(['scontrol', 'show', 'job', job]);
  const states = [...shown.matchAll(/JobState=(\w+)/g)].map(([, state = '']) => state);
  const codes = [...shown.matchAll(/ ExitCode=(\d+:\d+)/g)].map(([, code = '']) => code);
  return states.map((state, index) => `${state} ${codes[index] ?? ''}`);
}

/** With a table that cannot be read to its end yet. */
async function heldFleet(name: string): Promise<TestFleet> {
  const fleet = await TestFleet.create(server, { name, node });
  await fleet.addHeld('held1', 1);
  for (const table of TABLES.slice(1)) await fleet.addTable(table);
  await fleet.shut(1);
  return fleet;
}
