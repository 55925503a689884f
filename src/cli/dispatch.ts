import { readCommandLine } from './flags/command-line.js';
import type { CliContext } from './context.js';
import { asFailure, exitCodeOf, showFailure } from './reports/failure.js';
import { outputLost } from './process/output-lost.js';
import { outputRequest } from './flags/output-request.js';
import { notAvailableYet } from './flags/usage-error.js';

export interface RunCliOptions {
  /** False keeps exports out of the run log. */
  readonly logged?: boolean;
}

/**
 * Runs one command line (without the program's own name). Commands are loaded when they are needed, so that help and
 * usage errors come at once. Never throws.
 * @returns the exit code
 */
export async function runCli(
  argv: readonly string[],
  context: CliContext,
  options: RunCliOptions = {},
): Promise<number> {
  const code = await codeOf(argv, context, options);
  await context.stdout.flush();
  const { failure } = context.stdout;
  if (failure === undefined) return code;
  const error = outputLost(failure);
  showFailure(error, context);
  return code === 0 ? exitCodeOf(error) : code;
}

async function codeOf(argv: readonly string[], context: CliContext, options: RunCliOptions): Promise<number> {
  try {
    return await dispatch(argv, context, options);
  } catch (thrown) {
    const error = asFailure(thrown);
    // Whoever asked for a document reads it, whatever else was wrong with the command line.
    showFailure(error, context, outputRequest(argv));
    return exitCodeOf(error);
  }
}

async function dispatch(
  argv: readonly string[],
  context: CliContext,
  { logged = true }: RunCliOptions,
): Promise<number> {
  const line = readCommandLine(argv);
  if (line.command === 'demo') {
    const { runDemo } = await import('./demo/command.js');
    return runDemo(line.words, context);
  }
  if (line.command === 'verify') throw notAvailableYet('lakeport verify');
  const { parseCommandLine } = await import('./flags/program.js');
  const invocation = parseCommandLine(line, { columns: context.stdout.columns });
  if (invocation.kind === 'show') {
    context.stdout.write(invocation.text);
    return 0;
  }
  const { flags, operands } = invocation;
  if (line.command === 'check') {
    const { checkCommand } = await import('./commands/check.js');
    return checkCommand({ flags, ids: operands, context });
  }
  if (line.command === 'runs') {
    const { runsCommand } = await import('./commands/runs.js');
    return runsCommand(flags, context);
  }
  if (line.command === 'status') {
    const { statusCommand } = await import('./commands/status.js');
    return statusCommand({ flags, ids: operands, context });
  }
  const plan = line.command === 'plan';
  if (flags.has('resume')) {
    const { resumeRunCommand } = await import('./commands/resume.js');
    return resumeRunCommand(flags, context, { plan });
  }
  if (flags.has('init_db') && !plan && !flags.has('dry_run')) {
    const { initDbCommand } = await import('./commands/init-db.js');
    return initDbCommand(flags, context);
  }
  const { exportCommand } = await import('./commands/export.js');
  return exportCommand(flags, context, { argv, plan, logged });
}
