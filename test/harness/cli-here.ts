import type * as Bundled from './bundled.js';
import { cliEnvironment, type CliOptions, type CliResult } from './cli.js';
import { distModule } from './dist.js';

/**
 * The built program's command line in this process. A process of its own costs a second of a core before it does anything,
 * two where it loads the client of a store. For tests to which signals, memory, terminals and the process's end are nothing.
 */
export async function runCliHere(
  args: readonly string[],
  options: Pick<CliOptions, 'cwd' | 'env'> = {},
): Promise<CliResult> {
  const { cwd, env = {} } = options;
  const started = performance.now();
  const { runCommandLine } = (await import(distModule('bundle/bundled.js'))) as typeof Bundled;
  const leave = enter(cwd, env);
  try {
    const result = await runCommandLine(args, cliEnvironment(env));
    return { ...result, signal: null, seconds: (performance.now() - started) / 1000, peakBytes: 0 };
  } finally {
    leave();
  }
}

/** What this process had before the first of the runs that are under way. */
let outside: { readonly cwd: string; readonly env: NodeJS.ProcessEnv } | undefined;
let underWay = 0;

/**
 * Makes the directory and the variables this process's own, for what of the program asks the process for them. Runs at the
 * same time must agree on them.
 * @returns takes them back when no run is under way any more
 */
function enter(cwd: string | undefined, env: Readonly<Record<string, string>>): () => void {
  outside ??= { cwd: process.cwd(), env: { ...process.env } };
  underWay++;
  if (cwd !== undefined) process.chdir(cwd);
  Object.assign(process.env, env);
  return () => {
    if (--underWay > 0 || outside === undefined) return;
    process.chdir(outside.cwd);
    for (const name of Object.keys(process.env)) if (!(name in outside.env)) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, outside.env);
    outside = undefined;
  };
}
