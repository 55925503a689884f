import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { freePort } from '../../src/embedded-postgres/free-port.js';
import { ScratchDirectory } from '../harness/scratch.js';
import { Daemons } from './daemons.js';

/** Where `.ci/run` has it. */
const PROGRAM = process.env['LAKEPORT_TEST_AIRFLOW'] ?? '';
export const hasAirflow = existsSync(PROGRAM);

/** A machine that has much to do takes long to load its modules. */
const READY_WITHIN_MS = 240_000;

/** An instance of a task. */
interface AirflowTask {
  readonly task_id: string;
  readonly map_index: number;
  readonly state: string | null;
  readonly try_number: number;
}

/** Airflow with a scheduler, which runs tasks at the same time, on this machine. */
export interface Airflow extends AsyncDisposable {
  /** Starts a run of a DAG. @returns its id */
  trigger(dag: string): Promise<string>;
  /** Lets a run's tasks run once more. */
  clear(dag: string, run: string): Promise<void>;
  stateOf(dag: string, run: string): Promise<string>;
  tasksOf(dag: string, run: string): Promise<readonly AirflowTask[]>;
}

/**
 * @param dags programs that define them, by their ids
 * @param env what tasks see
 */
export async function startAirflow(dags: Readonly<Record<string, string>>, env: NodeJS.ProcessEnv): Promise<Airflow> {
  const scratch = new ScratchDirectory();
  const home = scratch.path;
  mkdirSync(path.join(home, 'dags'));
  for (const [id, text] of Object.entries(dags)) writeFileSync(path.join(home, 'dags', `${id}.py`), text);
  const port = await freePort();
  const all = { ...env, ...settings(home, port) };
  const daemons = new Daemons('Airflow');
  const stop = async () => {
    await daemons.stop();
    scratch.remove();
  };
  let token: string | undefined;
  const ask: Ask = async (method, what, body) => {
    const url = `http://127.0.0.1:${port}`;
    token ??= ((await answerOf(await fetch(`${url}/auth/token`))) as { access_token: string }).access_token;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return answerOf(
      await fetch(`${url}/api/v2/dags/${what}`, { method, headers, ...(body && { body: JSON.stringify(body) }) }),
    );
  };
  try {
    await promisify(execFile)(PROGRAM, ['db', 'migrate'], { env: all });
    for (const args of [['api-server'], ['scheduler', '--skip-serve-logs'], ['dag-processor']]) {
      daemons.start(PROGRAM, args, all);
    }
    await daemons.ready(async () => {
      for (const id of Object.keys(dags)) await ask('GET', id);
      return true;
    }, READY_WITHIN_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...questions(ask), [Symbol.asyncDispose]: stop };
}

type Ask = (method: 'GET' | 'POST', what: string, body?: object) => Promise<unknown>;

/** Its types are those of Airflow's public API. */
function questions(ask: Ask): Omit<Airflow, keyof AsyncDisposable> {
  const runOf = (dag: string, run: string) => `${dag}/dagRuns/${encodeURIComponent(run)}`;
  return {
    trigger: async (dag) => {
      const answer = await ask('POST', `${dag}/dagRuns`, { logical_date: null });
      return (answer as { dag_run_id: string }).dag_run_id;
    },
    clear: async (dag, run) => {
      await ask('POST', `${runOf(dag, run)}/clear`, { dry_run: false });
    },
    stateOf: async (dag, run) => ((await ask('GET', runOf(dag, run))) as { state: string }).state,
    tasksOf: async (dag, run) => {
      const answer = await ask('GET', `${runOf(dag, run)}/taskInstances`);
      return (answer as { task_instances: AirflowTask[] }).task_instances;
    },
  };
}

async function answerOf(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`Airflow answers ${response.status}: ${await response.text()}`);
  return response.json();
}

function settings(home: string, port: number): NodeJS.ProcessEnv {
  return {
    AIRFLOW_HOME: home,
    AIRFLOW__CORE__LOAD_EXAMPLES: 'False',
    AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION: 'False',
    // Nobody needs a password.
    AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS: 'True',
    AIRFLOW__CORE__EXECUTION_API_SERVER_URL: `http://127.0.0.1:${port}/execution/`,
    AIRFLOW__API__HOST: '127.0.0.1',
    AIRFLOW__API__PORT: String(port),
    AIRFLOW__API__WORKERS: '1',
    // Its five programs load the same modules: compiled once, they take half the time.
    PYTHONDONTWRITEBYTECODE: '',
  };
}
