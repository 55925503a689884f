import { spawn } from 'node:child_process';

/** Ensures that a server and its files do not outlive this process, however it ends. */
export interface Guard {
  /** Sets the server to kill, or undefined while none runs. */
  watch(pid: number | undefined): void;
  /** Call after a clean shutdown. */
  release(): void;
}

/** A shell that waits for this process to end, by the end of a pipe, then kills the server and removes its files. */
export function guardHome(home: string): Guard {
  const script = `
    pid=
    while read -r line; do pid=$line; done
    if [ -n "$pid" ]; then
      kill -QUIT "$pid"
      for i in 1 2 3 4 5 6 7 8 9; do kill -0 "$pid" || break; sleep 0.2; done
    fi
    rm -rf "$0"`;
  const guard = spawn('/bin/sh', ['-c', script, home], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  // It ends with this process, or earlier if something else kills it.
  guard.stdin.on('error', () => undefined);
  return {
    watch: (pid) => guard.stdin.write(`${pid ?? ''}\n`),
    release: () => guard.kill('SIGKILL'),
  };
}
