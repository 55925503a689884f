import { ENVIRONMENT } from './environment.js';
import { Redactor } from './auth/redaction.js';
import type { CliContext } from './cli/context.js';
import { CurrentLog } from './cli/logging/current-log.js';
import { asFailure, exitCodeOf, showFailure } from './cli/reports/failure.js';
import { captureForeignOutput } from './cli/logging/foreign-output.js';
import { Log } from './cli/logging/event-log.js';
import { outputSink } from './cli/logging/sinks.js';
import { Output } from './cli/terminal/output.js';
import { outputRequest } from './cli/flags/output-request.js';
import { leaveLostTerminals } from './cli/process/process-end.js';
import { runCli } from './cli/dispatch.js';
import { listenToSignals } from './cli/process/signals.js';
import { ENGINES } from './engines.js';
import { LakeportError } from './errors.js';
import type { Interruption } from './runtime/interruption.js';
import { STORES } from './stores.js';

/** A process that has done its work but does not end is ended after this time. */
const LAST_RESORT_MS = 5_000;

const argv = process.argv.slice(2);
const request = outputRequest(argv);
const redactor = new Redactor();
for (const { secretVariables = [] } of [...ENGINES, ...STORES]) redactor.addEnvironment(ENVIRONMENT, secretVariables);
const stderr = new Output(process.stderr, ENVIRONMENT);
const firstSink = outputSink(stderr, { level: request.debug ? 'DEBUG' : 'WARNING', format: request.format });
const context: CliContext = {
  stdout: new Output(process.stdout, ENVIRONMENT),
  stderr,
  log: new CurrentLog(new Log({ sinks: [firstSink], redactor, runId: request.runId })),
  request,
  environment: ENVIRONMENT,
  signal: listenToSignals({ environment: ENVIRONMENT, graceMs: request.graceMs, onOverdue }),
  abandon: (error) => {
    showFailure(error, context);
    process.exit(exitCodeOf(error));
  },
  redactor,
};

/** The grace after a signal is over, and something still does not end. */
function onOverdue(reason: Interruption): void {
  const text = `Cleanup did not finish within ${reason.graceMs / 1000} s: --resume, or the next run to the same destination, takes care of what is left.`;
  context.log.current.write('WARNING', text, { event: 'grace_over' });
  showFailure(reason, context);
  process.exit(exitCodeOf(reason));
}

/** A mistake of the program itself: one line, and the stack only where it was asked for. */
function onUncaught(thrown: unknown): void {
  // What breaks while the run is being ended is no news: the signal says why it ended.
  if (context.signal.aborted) {
    context.log.current.error(LakeportError.from(thrown), 'DEBUG');
    return;
  }
  const error = asFailure(thrown);
  showFailure(error, context);
  process.exit(exitCodeOf(error));
}

captureForeignOutput((level, message, fields) => context.log.current.write(level, message, fields));
leaveLostTerminals();
process.on('uncaughtException', onUncaught);
process.on('unhandledRejection', onUncaught);

const exitCode = await runCli(argv, context);
process.exitCode = exitCode;
await context.stderr.flush();
if (context.signal.aborted) process.exit(exitCode);
setTimeout(() => process.exit(), LAST_RESORT_MS).unref();
