import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { cgroupLimits } from '../../../src/runtime/cgroup.js';
import { ScratchDirectory } from '../../harness/scratch.js';

let scratch: ScratchDirectory;

beforeEach(() => {
  scratch = new ScratchDirectory();
});

afterEach(() => scratch.remove());

/** A machine whose `/proc` and `/sys` say so. */
function machine(files: Readonly<Record<string, string>>): string {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(scratch.path, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  }
  return scratch.path;
}

const MOUNT_V2 = '30 24 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const GIB = 2 ** 30;

describe('the limits of a control group', () => {
  it('limits of version 2 are read', () => {
    const root = machine({
      'proc/self/cgroup': '0::/',
      'proc/self/mountinfo': MOUNT_V2,
      'sys/fs/cgroup/cpu.max': '250000 100000',
      'sys/fs/cgroup/memory.max': String(GIB),
    });
    expect(cgroupLimits(root)).toEqual({ cores: 2.5, memoryBytes: GIB });
  });

  it('the lowest limit of nested groups wins', () => {
    const root = machine({
      'proc/self/cgroup': '0::/user.slice/run.scope',
      'proc/self/mountinfo': MOUNT_V2,
      'sys/fs/cgroup/user.slice/cpu.max': '100000 100000',
      'sys/fs/cgroup/user.slice/memory.max': 'max',
      'sys/fs/cgroup/user.slice/run.scope/cpu.max': 'max 100000',
      'sys/fs/cgroup/user.slice/run.scope/memory.max': String(3 * GIB),
    });
    expect(cgroupLimits(root)).toEqual({ cores: 1, memoryBytes: 3 * GIB });
  });

  it('limits of version 1 are read from mounts that show only the container', () => {
    const root = machine({
      'proc/self/cgroup': '7:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/system.slice',
      'proc/self/mountinfo': [
        '31 24 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory',
        '32 24 0:29 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct',
      ].join('\n'),
      'sys/fs/cgroup/memory/memory.limit_in_bytes': String(2 * GIB),
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '150000',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000',
    });
    expect(cgroupLimits(root)).toEqual({ cores: 1.5, memoryBytes: 2 * GIB });
  });

  it.each([
    ['of version 2 without a limit', { 'sys/fs/cgroup/cpu.max': 'max 100000', 'sys/fs/cgroup/memory.max': 'max' }],
    ['that hold something else', { 'sys/fs/cgroup/cpu.max': 'x', 'sys/fs/cgroup/memory.max': '' }],
    ['that can not be read', {}],
  ])('there is no limit in files %s', (_, files) => {
    const root = machine({ 'proc/self/cgroup': '0::/', 'proc/self/mountinfo': MOUNT_V2, ...files });
    expect(cgroupLimits(root)).toEqual({ cores: undefined, memoryBytes: undefined });
  });

  it('there is no limit in version 1 without one, or without control groups', () => {
    const root = machine({
      'proc/self/cgroup': '7:memory:/\n4:cpu,cpuacct:/',
      'proc/self/mountinfo': [
        '31 24 0:28 / /m ro - cgroup cgroup rw,memory',
        '32 24 0:29 / /c ro - cgroup cgroup rw,cpu,cpuacct',
      ].join('\n'),
      'm/memory.limit_in_bytes': '9223372036854771712',
      'c/cpu.cfs_quota_us': '-1',
      'c/cpu.cfs_period_us': '100000',
    });
    expect(cgroupLimits(root)).toEqual({ cores: undefined, memoryBytes: undefined });
    expect(cgroupLimits(path.join(root, 'nowhere'))).toEqual({ cores: undefined, memoryBytes: undefined });
  });
});
