import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Measured {
  readonly seconds: number;
  /** Processor time of the commands, user and system; undefined where there is no /proc. */
  readonly cpuSeconds: number | undefined;
  /** Most memory that any one process, children included, had resident, in bytes; undefined where there is no /proc. */
  readonly peakBytes: number | undefined;
}

export interface MeasuredCommand {
  readonly command: string;
  readonly args: readonly string[];
}

const SAMPLE_MS = 20;

/**
 * Runs commands concurrently, discards their output, and waits for all.
 * @throws Error if one of them fails, with the end of its output
 */
export async function measureProcesses(commands: readonly MeasuredCommand[]): Promise<Measured> {
  const start = performance.now();
  const cpuBefore = childrenCpuSeconds();
  let peak: number | undefined;
  const children = commands.map(({ command, args }) => spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] }));
  // VmHWM is the kernel's own high-water mark, so the last sample before the end is nearly the whole truth.
  const sampler = setInterval(() => {
    for (const { pid } of children) peak = maximum(peak, pid === undefined ? undefined : highWater(pid));
  }, SAMPLE_MS);
  try {
    await Promise.all(
      children.map((child, i) => {
        let said = '';
        child.stderr.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-2000)));
        return new Promise<void>((resolve, reject) => {
          child.once('error', reject);
          child.once('close', (code) => {
            if (code === 0) resolve();
            else reject(new Error(`${commands[i]?.command ?? ''} ended with ${code ?? 'a signal'}: ${said}`));
          });
        });
      }),
    );
  } finally {
    clearInterval(sampler);
    for (const child of children) child.kill('SIGKILL');
  }
  const cpuAfter = childrenCpuSeconds();
  return {
    seconds: (performance.now() - start) / 1000,
    cpuSeconds: cpuBefore === undefined || cpuAfter === undefined ? undefined : cpuAfter - cpuBefore,
    peakBytes: peak,
  };
}

/** Of all children that have ended, and of theirs: cutime and cstime of proc(5), in ticks of 10 ms; undefined where there is no /proc. */
export function childrenCpuSeconds(): number | undefined {
  try {
    // The second field is the program's name, in parentheses; cutime and cstime are the 16th and the 17th.
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[13]) + Number(fields[14])) / 100;
  } catch {
    return undefined;
  }
}

function highWater(pid: number): number | undefined {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const own = kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return children.map((child) => highWater(Number(child))).reduce(maximum, own);
  } catch {
    return undefined;
  }
}

function maximum(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.max(a, b);
}
