import { execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { freePort } from '../../src/embedded-postgres/free-port.js';
import { ScratchDirectory } from '../harness/scratch.js';
import { Daemons } from './daemons.js';

/** Debian's. They need root. */
const DAEMONS = { munged: '/usr/sbin/munged', slurmctld: '/usr/sbin/slurmctld', slurmd: '/usr/sbin/slurmd' };
export const hasSlurm = process.getuid?.() === 0 && Object.values(DAEMONS).every((file) => existsSync(file));

/** It says so of its processors, whatever the machine has. */
const PROCESSORS = 16;
const READY_WITHIN_MS = 60_000;

/** A Slurm cluster of one node, on this machine and for nobody else. */
export interface Slurm extends AsyncDisposable {
  /** Runs one of its commands, such as `sbatch`. @returns what it prints */
  run(
    command: readonly string[],
    options?: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
  ): Promise<string>;
}

export async function startSlurm(): Promise<Slurm> {
  const scratch = new ScratchDirectory();
  const home = scratch.path;
  const inHome = (name: string) => path.join(home, name);
  for (const name of ['state', 'spool']) mkdirSync(inHome(name));
  writeFileSync(inHome('munge.key'), randomBytes(128), { mode: 0o600 });
  const configuration = inHome('slurm.conf');
  writeFileSync(configuration, await settings(home));
  writeFileSync(inHome('cgroup.conf'), `CgroupPlugin=${withoutCgroups()}\n`);
  const files = ['socket', 'key', 'log', 'pid', 'seed'].map((what) => [what, inHome(`munge.${what}`)] as const);
  const own = files.map(([what, file]) => `--${what === 'socket' ? what : `${what}-file`}=${file}`);
  const daemons = new Daemons('Slurm');
  daemons.start(DAEMONS.munged, ['--foreground', '--force', ...own]);
  daemons.start(DAEMONS.slurmctld, ['-D', '-f', configuration]);
  daemons.start(DAEMONS.slurmd, ['-D', '-N', 'localhost', '-f', configuration]);
  const run: Slurm['run'] = async ([program = '', ...args], { cwd = home, env = process.env } = {}) => {
    const { stdout } = await promisify(execFile)(program, args, { cwd, env: { ...env, SLURM_CONF: configuration } });
    return stdout;
  };
  const stop = async () => {
    await run(['scancel', '--user=root']).catch(() => undefined);
    await daemons.stop();
    scratch.remove();
  };
  try {
    await daemons.ready(async () => /\bidle\b/.test(await run(['sinfo', '--noheader'])), READY_WITHIN_MS);
  } catch (error) {
    scratch.remove();
    throw error;
  }
  return { run, [Symbol.asyncDispose]: stop };
}

/** Before version 23.11 there is no `disabled`; a plugin that nothing asks for control groups needs none. */
function withoutCgroups(): string {
  const [, year = '0', month = '0'] =
    /(\d+)\.(\d+)/.exec(execFileSync(DAEMONS.slurmd, ['-V'], { encoding: 'utf8' })) ?? [];
  return Number(year) * 100 + Number(month) >= 2311 ? 'disabled' : 'cgroup/v1';
}

async function settings(home: string): Promise<string> {
  const ports = { SlurmctldPort: await freePort(), SlurmdPort: await freePort() };
  const lines = {
    ClusterName: 'test',
    SlurmctldHost: 'localhost(127.0.0.1)',
    ...ports,
    SlurmUser: 'root',
    SlurmdUser: 'root',
    AuthType: 'auth/munge',
    AuthInfo: `socket=${home}/munge.socket`,
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    JobAcctGatherType: 'jobacct_gather/none',
    AccountingStorageType: 'accounting_storage/none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_CPU',
    MpiDefault: 'none',
    SwitchType: 'switch/none',
    SlurmdParameters: 'config_overrides',
    StateSaveLocation: `${home}/state`,
    SlurmdSpoolDir: `${home}/spool`,
    SlurmctldPidFile: `${home}/slurmctld.pid`,
    SlurmdPidFile: `${home}/slurmd.pid`,
    SchedulerParameters: 'batch_sched_delay=0,sched_interval=2',
  };
  const text = Object.entries(lines).map(([name, value]) => `${name}=${value}`);
  return [
    ...text,
    `NodeName=localhost NodeAddr=127.0.0.1 CPUs=${PROCESSORS} RealMemory=100`,
    'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP',
    '',
  ].join('\n');
}
