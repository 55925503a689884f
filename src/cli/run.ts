import { readCommandLine } from './command-line.js';
import type { CliContext } from './context.js';
import { asFailure, exitCodeOf, showFailure, writeFailureDocument } from './failure.js';
import { notAvailableYet } from './usage-error.js';

/**
 * Runs one command line (without the program's own name). Commands are loaded when they are needed, so that help and
 * usage errors come at once. Never throws.
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  try {
    return await dispatch(argv, context);
  } catch (thrown) {
    const error = asFailure(thrown);
    showFailure(error, context);
    // Whoever asked for a document reads it, whatever else was wrong with the command line.
    if (argv.includes('--json')) writeFailureDocument(error, 'export', context);
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[], context: CliContext): Promise<number> {
  const line = readCommandLine(argv);
  if (line.command === 'demo') {
    const { runDemo } = await import('./demo/command.js');
    return runDemo(line.words, context);
  }
  if (line.command === 'runs' || line.command === 'status' || line.command === 'verify') {
    throw notAvailableYet(`lakeport ${line.command}`);
  }
  const { parseCommandLine } = await import('./program.js');
  const invocation = parseCommandLine(line);
  if (invocation.kind === 'show') {
    context.stdout.write(invocation.text);
    return 0;
  }
  const { flags, operands } = invocation;
  if (line.command === 'check') {
    const { checkCommand } = await import('./commands/check.js');
    return checkCommand({ flags, ids: operands, context });
  }
  const { exportCommand } = await import('./commands/export.js');
  return exportCommand(flags, context, { plan: line.command === 'plan' });
}
