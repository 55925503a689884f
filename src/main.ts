import { Redactor } from './auth/redaction.js';
import type { CliContext } from './cli/context.js';
import { asFailure, showFailure } from './cli/failure.js';
import { Output } from './cli/output.js';
import { runCli } from './cli/run.js';
import { EXIT_CODES, LakeportError } from './errors.js';

/** A process that has done its work but does not end is ended after this time. */
const LAST_RESORT_MS = 5_000;

const SIGNALS = {
  SIGINT: { exit: 'interrupted', message: 'Interrupted by SIGINT' },
  SIGTERM: { exit: 'terminated', message: 'Ended by SIGTERM' },
} as const;

const controller = new AbortController();
const redactor = new Redactor();
redactor.addEnvironment(process.env);
const context: CliContext = {
  stdout: new Output(process.stdout, process.env),
  stderr: new Output(process.stderr, process.env),
  environment: process.env,
  signal: controller.signal,
  abandon: (error) => {
    showFailure(error, context);
    process.exit(EXIT_CODES[error.exit]);
  },
  redactor,
};
const argv = process.argv.slice(2);

/** The first signal ends gracefully. The second ends at once, by that signal itself, as any program would. */
function onSignal(signal: keyof typeof SIGNALS): void {
  if (controller.signal.aborted) {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal);
    process.kill(process.pid, signal);
    return;
  }
  const { exit, message } = SIGNALS[signal];
  controller.abort(new LakeportError({ code: signal, exit, message }));
}

/** A mistake of the program itself: one line, and the stack only where it was asked for. */
function onUncaught(thrown: unknown): void {
  showFailure(asFailure(thrown), context);
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  if (stack !== undefined && /--log[_-]level[= ]debug/i.test(argv.join(' '))) {
    context.stderr.write(`${redactor.redact(stack)}\n`);
  }
  // What breaks while the run is being ended is no news: the signal says why it ended.
  const reason: unknown = controller.signal.reason;
  process.exit(EXIT_CODES[reason instanceof LakeportError ? reason.exit : 'unexpected']);
}

process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);
process.on('uncaughtException', onUncaught);
process.on('unhandledRejection', onUncaught);

process.exitCode = await runCli(argv, context);
await Promise.all([context.stdout.flush(), context.stderr.flush()]);
setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
