import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** Identifies a process among all machines and containers that may share a file system. Plain data. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start of the process in clock ticks since boot, from /proc if available: pids are reused. */
  readonly started: string | undefined;
  readonly host: string;
  /** Distinguishes hosts of the same name. */
  readonly bootId: string | undefined;
  /** Distinguishes containers on one host: a pid means nothing outside its namespace. */
  readonly pidNamespace: string | undefined;
}

export async function currentProcess(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: await startOf(process.pid), ...(await currentSystem()) };
}

/** Whether the process is alive, or `unknown` if this machine or container cannot tell. */
export async function stateOf(identity: ProcessIdentity): Promise<'alive' | 'dead' | 'unknown'> {
  const here = await currentSystem();
  const visible =
    identity.host === here.host && identity.bootId === here.bootId && identity.pidNamespace === here.pidNamespace;
  if (!visible) return 'unknown';
  if (!exists(identity.pid)) return 'dead';
  if (identity.started === undefined) return 'alive';
  return (await startOf(identity.pid)) === identity.started ? 'alive' : 'dead';
}

/** Validates parsed data by its shape only. */
export function isProcessIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'host' in value &&
    typeof value.host === 'string'
  );
}

/** For messages: `process 4711 on host db1`. */
export function displayProcess({ pid, host }: ProcessIdentity): string {
  return `process ${pid} on host ${host}`;
}

async function currentSystem(): Promise<Pick<ProcessIdentity, 'host' | 'bootId' | 'pidNamespace'>> {
  const [bootId, pidNamespace] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => undefined),
    readlink('/proc/self/ns/pid').catch(() => undefined),
  ]);
  return { host: hostname(), bootId: bootId?.trim(), pidNamespace };
}

/** Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold spaces and parentheses. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: another user's process, but it exists.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
