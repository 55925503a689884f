import { readFileSync, readlinkSync } from 'node:fs';

/** Bit of SIGHUP, signal 1, in the masks of /proc/PID/status (proc(5)). */
const SIGHUP_BIT = 1n;
const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;

/**
 * Whether SIGHUP was ignored when the program was started. Node.js itself sets every signal back to its default before the
 * first line of a program runs, so the system no longer knows. What is left are traces: a parent that ignores it (a script
 * below `nohup`, `trap '' HUP`) hands that on to what it starts, `nohup` is in `_`, where bash and zsh put what they start,
 * and it leaves standard streams as no one else does.
 */
export function isHangupIgnored(environment: NodeJS.ProcessEnv): boolean {
  if (process.platform === 'win32') return false;
  return (
    ignoresHangup('self') ||
    ignoresHangup(String(process.ppid)) ||
    /(?:^|\/)nohup$/.test(environment['_'] ?? '') ||
    isUnreadableNull(0) ||
    [1, 2].some((fd) => /\/nohup\.out$/.test(linkOf(fd)))
  );
}

function ignoresHangup(pid: string): boolean {
  const mask = /^SigIgn:\s*([0-9a-f]+)/m.exec(textOf(`/proc/${pid}/status`))?.[1];
  return mask !== undefined && (BigInt(`0x${mask}`) & SIGHUP_BIT) !== 0n;
}

/** GNU nohup puts `/dev/null`, opened for writing alone, in place of a terminal that is read from. */
function isUnreadableNull(fd: number): boolean {
  if (linkOf(fd) !== '/dev/null') return false;
  const flags = /^flags:\s*(\d+)/m.exec(textOf(`/proc/self/fdinfo/${fd}`))?.[1];
  return flags !== undefined && (parseInt(flags, 8) & ACCESS_MODE) === WRITE_ONLY;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(fd: number): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
