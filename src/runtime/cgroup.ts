import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Limits of this process's control groups, as in a container; undefined if there is no limit. */
export interface CgroupLimits {
  /** Processors, possibly fractional. */
  readonly cores: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** Versions 1 and 2 of Linux's control groups, by the files that hold a limit. */
const CPU_V2 = 'cpu.max';
const MEMORY_V2 = 'memory.max';
const CPU_V1 = ['cpu.cfs_quota_us', 'cpu.cfs_period_us'] as const;
const MEMORY_V1 = 'memory.limit_in_bytes';
/** How version 1 expresses "no limit": the highest number of whole pages. */
const UNLIMITED_V1 = 2 ** 62;

/**
 * Reads the limits: the lowest among the process's own group and all visible groups above it.
 * @param root directory of `/proc` and `/sys`
 */
export function cgroupLimits(root = '/'): CgroupLimits {
  const read = (...names: string[]): string | undefined => {
    try {
      return readFileSync(path.join(root, ...names), 'utf8').trim();
    } catch {
      return undefined;
    }
  };
  const cores: number[] = [];
  const memory: number[] = [];
  for (const { directory, version } of groupsOf(read)) {
    const [quota, period] =
      version === 2 ? (read(directory, CPU_V2)?.split(' ') ?? []) : CPU_V1.map((name) => read(directory, name));
    const bytes = read(directory, version === 2 ? MEMORY_V2 : MEMORY_V1);
    if (Number(quota) > 0 && Number(period) > 0) cores.push(Number(quota) / Number(period));
    if (Number(bytes) > 0 && Number(bytes) < UNLIMITED_V1) memory.push(Number(bytes));
  }
  return {
    cores: cores.length === 0 ? undefined : Math.min(...cores),
    memoryBytes: memory.length === 0 ? undefined : Math.min(...memory),
  };
}

interface Group {
  readonly directory: string;
  readonly version: 1 | 2;
}

/** Directories of the process's groups and of those above them (cgroups(7), proc(5)). */
function groupsOf(read: (name: string) => string | undefined): Group[] {
  const own = (read('/proc/self/cgroup') ?? '').split('\n').map((line) => {
    const [, controllers = '', group = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return { controllers: controllers.split(','), group };
  });
  return (read('/proc/self/mountinfo') ?? '').split('\n').flatMap((line) => {
    // ID parent device root mount-point options … - type source super-options
    const [mount = '', system = ''] = line.split(' - ');
    const [, , , mountedRoot = '/', mountPoint = ''] = mount.split(' ');
    const [type, , superOptions = ''] = system.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const controllers = superOptions.split(',');
    const isOf = (names: readonly string[]) =>
      type === 'cgroup2' ? names.includes('') : names.some((name) => name !== '' && controllers.includes(name));
    const group = own.find((one) => isOf(one.controllers))?.group;
    if (group === undefined) return [];
    const version = type === 'cgroup2' ? 2 : 1;
    return upwards(belowMount(group, mountedRoot)).map((below) => ({
      directory: path.posix.join(mountPoint, below),
      version,
    }));
  });
}

/** A group's path below the mount, which may show only part of the tree, such as the container's own. */
function belowMount(group: string, mountedRoot: string): string {
  if (mountedRoot === '/' || mountedRoot === '') return group;
  return group.startsWith(mountedRoot) ? group.slice(mountedRoot.length) : '/';
}

function upwards(group: string): string[] {
  const names = group.split('/').filter((name) => name !== '' && name !== '..');
  return Array.from({ length: names.length + 1 }, (_, length) => names.slice(0, length).join('/'));
}
