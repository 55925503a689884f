import type * as Bundled from './bundled.js';
import { cliEnvironment, type CliResult } from './cli.js';
import { distModule } from './dist.js';

/**
 * The built program's command line in this process. A process of its own costs half a second of a core before it does
 * anything. Paths must be absolute.
 */
export async function runCliHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const started = performance.now();
  const { runCommandLine } = (await import(distModule('bundle/bundled.js'))) as typeof Bundled;
  const result = await runCommandLine(args, cliEnvironment(env));
  return { ...result, signal: null, seconds: (performance.now() - started) / 1000, peakBytes: 0 };
}
