import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A directory of its own for a test. `await using` or `remove` takes it away. */
export class ScratchDirectory {
  readonly path = mkdtempSync(path.join(tmpdir(), 'lakeport-test-'));

  /** Every file below it, hidden ones included, and empty directories with a `/` behind; sorted. */
  async files(): Promise<string[]> {
    const entries = await readdir(this.path, { recursive: true, withFileTypes: true });
    const paths = entries.map((entry) => {
      const relative = path.relative(this.path, path.join(entry.parentPath, entry.name));
      return entry.isDirectory() ? `${relative}/` : relative;
    });
    return paths
      .filter((one) => !one.endsWith('/') || !paths.some((other) => other !== one && other.startsWith(one)))
      .sort();
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** exFAT, which knows no case, from Debian's `exfat-fuse` and `exfatprogs`; a reason where it can't be had. */
export function mountExfat(): { readonly path: string; unmount(): void } | { readonly missing: string } {
  const scratch = new ScratchDirectory();
  const image = path.join(scratch.path, 'image');
  const target = path.join(scratch.path, 'mounted');
  mkdirSync(target);
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' }).toString().trim();
  let device: string | undefined;
  const detach = () => {
    if (device !== undefined) run('losetup', '-d', device);
    scratch.remove();
  };
  try {
    writeFileSync(image, '');
    truncateSync(image, 16 * 1024 * 1024);
    run('/usr/sbin/mkfs.exfat', image);
    device = run('losetup', '--find', '--show', image);
    run('/usr/sbin/mount.exfat-fuse', device, target);
  } catch (error) {
    detach();
    const reason = error instanceof Error ? (error.message.split('\n').find((line) => line !== '') ?? '') : '';
    return { missing: `Debian's exfat-fuse and exfatprogs, and root with /dev/fuse and loop devices: ${reason}` };
  }
  return {
    path: target,
    unmount: () => {
      run('umount', target);
      detach();
    },
  };
}

/** A small file system of its own, or undefined where this user may not mount one. */
export function mountTmpfs(size: string): { readonly path: string; unmount(): void } | undefined {
  const scratch = new ScratchDirectory();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', scratch.path], { stdio: 'ignore' });
  } catch {
    scratch.remove();
    return undefined;
  }
  return {
    path: scratch.path,
    unmount: () => {
      execFileSync('umount', ['-l', scratch.path], { stdio: 'ignore' });
      scratch.remove();
    },
  };
}
