import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { fleetSetup } from '../../harness/fleet-setup.js';
import type { TestFleet } from '../../harness/fleet.js';
import { saySkipped } from '../../harness/skipped.js';
import { pythonProgram } from '../../servers/server-process.js';
import { type Airflow, hasAirflow, startAirflow } from '../../servers/airflow.js';
import { startMoto } from '../../servers/moto.js';
import { hasSlurm, type Slurm, startSlurm } from '../../servers/slurm.js';

/** The recipes of docs/operations/scale-out.md, run by the launchers that they are for. */

const PAGE = page('scale-out');
/** What the recipes leave out. */
const FLAGS = '--source-db-auth-id ds_pg --output-dir out --include-views --log-db-auth-id log_pg';

const setup = await fleetSetup('recipes of launchers');
const hasParallel = existsSync('/usr/bin/parallel');
if (!hasParallel) saySkipped('the recipe for GNU parallel', "Debian's package parallel");
if (!hasSlurm)
  saySkipped('the recipe for Slurm', "root, and Debian's packages slurmctld, slurmd, slurm-client and munge");
const validate = pythonProgram('kubernetes-validate');
if (validate === undefined) saySkipped('the recipe for Kubernetes', 'kubernetes-validate from .ci/requirements.txt');
const aws = pythonProgram('aws');
if (aws === undefined) saySkipped('the recipe for AWS Batch', 'awscli from .ci/requirements.txt');
if (!hasAirflow) saySkipped('recipes for Airflow', 'the packages of .ci/airflow.txt; LAKEPORT_TEST_AIRFLOW is not set');

const TABLES = ['held1', 't1', 't2', 't3'];

describe.runIf(setup.isPossible).concurrent('a documented recipe', () => {
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
    const pods = ['0', '1', '2'].map((index) =>
      fleet.launch([command!, option!, here(script, fleet)], { JOB_COMPLETION_INDEX: index }),
    );
    for (const pod of pods) expect(await pod.result).toMatchObject({ code: 0 });
    expect(await fleet.wrongTables(TABLES)).toEqual([]);
  });

  it.runIf(aws !== undefined)(
    'for AWS Batch is taken by its command line, and its children work',
    async ({ expect }) => {
      await using fleet = await heldFleet('in_batch');
      const { jobId, command, environment, retryStrategy, size } = await submitted(fleet);
      const variables = environment.map(({ name, value }) => [name, here(value, fleet)] as const);
      const local = command.map((text) => here(text, fleet));
      const child = async (index: number, job = jobId) => {
        const own = { AWS_BATCH_JOB_ID: `${job}:${index}`, AWS_BATCH_JOB_ARRAY_INDEX: String(index) };
        for (let attempt = 1; ; attempt++) {
          const { code, signal } = await fleet.launch(local, { ...Object.fromEntries(variables), ...own }).result;
          // As Docker says it.
          const exit = code ?? 128 + constants.signals[signal!];
          if (exit === 0 || attempt === retryStrategy.attempts || !isRetried(retryStrategy, exit)) {
            return { attempt, exit };
          }
        }
      };
      expect(await child(1, 'no-uuid')).toEqual({ attempt: 1, exit: 2 });

      const children = Array.from({ length: size }, (_, index) => child(index));
      const killed = await fleet.readerOf('held1');
      process.kill(killed.processId, 'SIGKILL');
      const stopped = await fleet.readerOf('held1', killed.processId);
      process.kill(stopped.processId, 'SIGTERM');
      await fleet.open(1);
      const ends = await Promise.all(children);
      expect(ends.map(({ exit }) => exit)).toEqual(ends.map(() => 0));
      expect(ends.reduce((sum, { attempt }) => sum + attempt, 0)).toBe(size + 2);
      expect(await fleet.log('SELECT run_id::text FROM export_runs')).toEqual([{ run_id: jobId }]);
      expect(await fleet.wrongTables(TABLES)).toEqual([]);
      expect(await fleet.leftovers()).toEqual([]);
    },
  );

  it.runIf(hasAirflow)('for Airflow starts tasks again that were killed, in the same run', async ({ expect }) => {
    await using fleet = await heldFleet('in_airflow');
    const dag = soon(here(documented('Airflow'), fleet)).replace('WORKERS = 8', 'WORKERS = 2');
    await using airflow = await startAirflow({ lakeport_shop: dag, export_shop: exportTask(fleet) }, fleet.environment);
    const run = await airflow.trigger('lakeport_shop');
    const { processId } = await fleet.readerOf('held1');
    const coordinator = (await fleet.workers()).find(({ role }) => role === 'coordinator')!;
    process.kill(coordinator.processId, 'SIGKILL');
    process.kill(processId, 'SIGKILL');
    await fleet.readerOf('held1', processId);
    await fleet.open(1);
    expect(await endOf({ airflow, fleet, dag: 'lakeport_shop', id: run })).toBe('success');
    const tries = (await airflow.tasksOf('lakeport_shop', run)).map((task) => [task.task_id, task.try_number]);
    expect(tries.toSorted()).toEqual([
      ['coordinate', 2],
      ['work', 1],
      ['work', 2],
    ]);
    const runs = 'SELECT run_id::text FROM export_runs';
    expect(await fleet.log(runs)).toEqual([{ run_id: expect.not.stringMatching(fleet.runId) as string }]);
    expect(await fleet.wrongTables(TABLES)).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);

    // Of the page on scheduling, as Airflow is there.
    const second = { airflow, fleet, dag: 'export_shop', id: await airflow.trigger('export_shop') };
    expect(await endOf(second)).toBe('success');
    await fleet.addTable('later');
    await airflow.clear('export_shop', second.id);
    expect(await endOf(second)).toBe('success');
    expect(await airflow.tasksOf('export_shop', second.id)).toMatchObject([{ try_number: 2 }]);
    expect(await fleet.log(runs)).toHaveLength(2);
    expect(await fleet.wrongTables([...TABLES, 'later'])).toEqual(['later']);
  });
});

function page(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../docs/operations/${name}.md`, import.meta.url)), 'utf8');
}

/** The first block of code that follows the launcher's name in bold. */
function documented(launcher: string, language = '\\w+'): string {
  const from = PAGE.indexOf(`**${launcher}**`);
  const [, text] = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(PAGE.slice(from)) ?? [];
  if (from === -1 || text === undefined) throw new Error(`No recipe for ${launcher} is documented`);
  return text;
}

/** The recipe with this fleet's auth file and destination. */
function here(recipe: string, { directory, output }: TestFleet): string {
  return recipe
    .replaceAll('/etc/lakeport/auth.json', path.join(directory, 'auth.json'))
    .replaceAll('--target-storage-id lake', `--output-dir ${output} --include-views`);
}

interface DescribedJobs {
  readonly jobs: readonly { readonly arrayProperties: { readonly size: number } }[];
}

interface DescribedDefinitions {
  readonly jobDefinitions: readonly {
    readonly retryStrategy: RetryStrategy;
    readonly containerProperties: { readonly command: readonly string[]; readonly environment: readonly Variable[] };
  }[];
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

interface RetryStrategy {
  readonly attempts: number;
  readonly evaluateOnExit: readonly { readonly onExitCode: string; readonly action: string }[];
}

/** Registers and submits the documented job with three children, and tells what AWS Batch knows of it then. */
async function submitted(fleet: TestFleet) {
  const moto = await startMoto();
  try {
    const env = {
      PATH: `${path.dirname(aws!)}:${fleet.environment['PATH']}`,
      AWS_ENDPOINT_URL: moto.endpoint,
      AWS_ACCESS_KEY_ID: moto.accessKeyId,
      AWS_SECRET_ACCESS_KEY: moto.secretAccessKey,
      AWS_DEFAULT_REGION: moto.region,
    };
    const shell = async (script: string) => {
      const { code, stdout, stderr } = await fleet.launch(['bash', '-ec', script], env).result;
      if (code !== 0) throw new Error(stderr);
      return stdout;
    };
    await shell(`
      role=$(aws iam create-role --role-name batch --assume-role-policy-document '{}' --query Role.Arn --output text)
      aws batch create-compute-environment --compute-environment-name machines --type UNMANAGED --service-role "$role"
      aws batch create-job-queue --job-queue-name lakeport --priority 1 --state ENABLED \
        --compute-environment-order order=1,computeEnvironment=machines`);
    const commands = documented('AWS Batch', 'bash').replace('size=9', 'size=3');
    const definition = documented('AWS Batch', 'json');
    const file = path.join(fleet.directory, 'lakeport.json');
    writeFileSync(file, definition.replace('onExitCode', 'onExit'));
    await expect(shell(commands)).rejects.toThrow(/Unknown parameter/);
    writeFileSync(file, definition);
    const [, jobId = ''] = /"jobId": "(.*?)"/.exec(await shell(commands)) ?? [];
    const { jobs } = JSON.parse(await shell(`aws batch describe-jobs --jobs ${jobId}`)) as DescribedJobs;
    const { jobDefinitions } = JSON.parse(await shell('aws batch describe-job-definitions')) as DescribedDefinitions;
    const { retryStrategy, containerProperties } = jobDefinitions[0]!;
    return { jobId, size: jobs[0]!.arrayProperties.size, retryStrategy, ...containerProperties };
  } finally {
    await moto.stop();
  }
}

/** As AWS documents it: the first entry that matches decides, and what none matches is started again. */
function isRetried({ evaluateOnExit }: RetryStrategy, exitCode: number): boolean {
  const text = String(exitCode);
  const entry = evaluateOnExit.find(({ onExitCode: glob }) =>
    glob.endsWith('*') ? text.startsWith(glob.slice(0, -1)) : text === glob,
  );
  return entry?.action.toUpperCase() !== 'EXIT';
}

/** The recipe, which nothing starts but the test, and without long waits. */
function soon(dag: string): string {
  return dag.replace('"@daily"', 'None').replace('minutes=1', 'seconds=1');
}

/** A DAG of the one task that the page on scheduling documents. */
function exportTask(fleet: TestFleet): string {
  const [, recipe = ''] = /```python\n(.*?)```/s.exec(page('scheduling')) ?? [];
  return `
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG
with DAG("export_shop", schedule=None):
${here(recipe, fleet).replaceAll(/^/gm, '    ')}`;
}

/** The state in which the run of a DAG ends. */
async function endOf(run: {
  readonly airflow: Airflow;
  readonly fleet: TestFleet;
  readonly dag: string;
  readonly id: string;
}) {
  let state = '';
  await run.fleet.until(async () => {
    state = await run.airflow.stateOf(run.dag, run.id);
    return state === 'success' || state === 'failed';
  }, `the run of ${run.dag} ends`);
  return state;
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
  const fleet = await setup.fleet(name);
  await fleet.addHeld('held1', 1);
  for (const table of TABLES.slice(1)) await fleet.addTable(table);
  await fleet.shut(1);
  return fleet;
}
