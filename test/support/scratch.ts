import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
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
