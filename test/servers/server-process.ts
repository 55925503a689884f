import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ScratchDirectory } from '../harness/scratch.js';

/** How a program is started, in a directory of its own. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers HTTP, with whatever status, as soon as the server is ready. */
  readonly url: string;
}

export interface ServerProcess {
  readonly url: string;
  /** Ends the server and removes its directory. */
  readonly stop: () => Promise<void>;
}

const READY_WITHIN_MS = 60_000;
/** A port that was free may be another's by the time the server binds it. */
const ATTEMPTS = 3;
/** Becomes the server, which is killed when standard input ends: so it dies with the tests, however they end. */
const GUARDED = guarded('$server');
/** The same with all processes of its group, which must be its own. */
export const GUARDED_GROUP = guarded('-$server');

/** A program of the packages of `.ci/requirements.txt`; undefined where it is not installed. */
export function pythonProgram(name: string): string | undefined {
  const python = process.env['LAKEPORT_TEST_PYTHON'];
  const program = python === undefined ? undefined : path.join(path.dirname(python), name);
  return program !== undefined && existsSync(program) ? program : undefined;
}

/**
 * Starts a server and waits until it answers.
 * @param command tells how it is started in a scratch directory, each time with other ports
 */
export async function startServerProcess(
  command: (directory: string) => Promise<ServerCommand>,
): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(command);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

function guarded(killed: string): string {
  return `exec 3<&0 </dev/null; server=$$; { read -r _ <&3; kill -9 ${killed}; } & exec 3<&-; exec "$0" "$@"`;
}

async function start(command: (directory: string) => Promise<ServerCommand>): Promise<ServerProcess> {
  const scratch = new ScratchDirectory();
  const { program, args, env, url } = await command(scratch.path);
  const logFile = path.join(scratch.path, 'server.log');
  const log = await open(logFile, 'w');
  const { PATH, HOME } = process.env;
  const child = spawn('/bin/sh', ['-c', GUARDED, program, ...args], {
    cwd: scratch.path,
    env: { PATH, HOME, TMPDIR: scratch.path, ...env },
    stdio: ['pipe', log.fd, log.fd],
  });
  await log.close();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.stdin?.end();
    await ended;
    scratch.remove();
  };
  const giveUpAt = Date.now() + READY_WITHIN_MS;
  while (!(await answers(url))) {
    if (Date.now() > giveUpAt || child.exitCode !== null) {
      const said = await readFile(logFile, 'utf8');
      await stop();
      throw new Error(`${path.basename(program)} does not answer: ${said.slice(-2000)}`);
    }
    await sleep(100);
  }
  return { url, stop };
}

async function answers(url: string): Promise<boolean> {
  try {
    await (await fetch(url, { signal: AbortSignal.timeout(2000) })).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
