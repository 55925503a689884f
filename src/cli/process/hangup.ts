import { readFileSync, readlinkSync } from 'node:fs';

/** Bit of SIGHUP, signal 1, in the masks of /proc/PID/status (proc(5)). */
const SIGHUP_BIT = 1n;
const ACCESS_MODE = 0o3;
const WRITE_ONLY = 0o1;

/**
 * Whether SIGHUP was ignored when the program started. Node.js resets every signal to its default before the first line
 * of a program runs, so the system no longer knows. Only traces are left: a parent that ignores SIGHUP (a script under
 * `nohup`, `trap '' HUP`) passes that on to its children; bash and zsh set `_` to the program they start, `nohup`; and
 * `nohup` leaves the standard streams in a state of its own.
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

/** GNU nohup replaces a terminal on stdin with `/dev/null`, opened write-only. */
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
