import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { GUARDED_GROUP } from './server-process.js';

/** How long one may take to end by itself. */
const GRACE_MS = 10_000;

/** Programs of one server, which end with it, and with the tests, however they end. */
export class Daemons {
  readonly #name: string;
  readonly #started: Daemon[] = [];

  /** @param name of the server, for errors */
  constructor(name: string) {
    this.#name = name;
    process.once('exit', this.#kill);
  }

  start(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
    // In a group of its own, with the processes that it starts.
    const child = spawn('/bin/sh', ['-c', GUARDED_GROUP, program, ...args], { stdio: 'pipe', env, detached: true });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-20_000)));
    }
    this.#started.push({ child, ended: new Promise((resolve) => child.once('exit', resolve)), said: () => said });
  }

  /** Waits until the server answers. If it does not in time, or one of its programs ends, it throws what they said. */
  async ready(answers: () => Promise<boolean>, withinMs: number): Promise<void> {
    const giveUpAt = performance.now() + withinMs;
    while (!(await answers().catch(() => false))) {
      if (performance.now() > giveUpAt || this.#started.some(({ child }) => child.exitCode !== null)) {
        const said = this.#started.map((daemon) => daemon.said()).join('\n');
        await this.stop();
        throw new Error(`${this.#name} does not start: ${said}`);
      }
      await sleep(200);
    }
  }

  /** Ends them, the last one first. */
  async stop(): Promise<void> {
    for (const { child, ended } of this.#started.toReversed()) {
      child.kill('SIGTERM');
      await Promise.race([ended, sleep(GRACE_MS)]);
      killGroup(child);
      await ended;
    }
    process.off('exit', this.#kill);
  }

  readonly #kill = () => {
    for (const { child } of this.#started) killGroup(child);
  };
}

interface Daemon {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  said(): string;
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All have ended.
  }
}
