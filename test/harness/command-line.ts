import { PassThrough } from 'node:stream';
import type { WriteStream } from 'node:tty';

import { Redactor } from '../../src/auth/redaction.js';
import type { CliContext } from '../../src/cli/context.js';
import { runCli } from '../../src/cli/dispatch.js';
import { outputRequest } from '../../src/cli/flags/output-request.js';
import { CurrentLog } from '../../src/cli/logging/current-log.js';
import { Log } from '../../src/cli/logging/event-log.js';
import { outputSink } from '../../src/cli/logging/sinks.js';
import { Output } from '../../src/cli/terminal/output.js';

interface CommandLineResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * The program's command line in the calling process, for the many exports of tests to which a process of their own is
 * nothing: it is as `main.ts` runs it, without signals and without a process that ends.
 */
export async function runCommandLine(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<CommandLineResult> {
  const stdout = captured();
  const stderr = captured();
  const request = outputRequest(argv);
  const redactor = new Redactor();
  const output = new Output(stderr.stream, environment);
  const sink = outputSink(output, { level: request.debug ? 'DEBUG' : 'WARNING', format: request.format });
  const context: CliContext = {
    stdout: new Output(stdout.stream, environment),
    stderr: output,
    log: new CurrentLog(new Log({ sinks: [sink], redactor, runId: request.runId })),
    request,
    environment,
    signal: new AbortController().signal,
    abandon: (error) => {
      throw error;
    },
    redactor,
  };
  const code = await runCli([...argv], context);
  await output.flush();
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

function captured(): { readonly stream: WriteStream; readonly text: () => string } {
  let text = '';
  const stream = new PassThrough({ encoding: 'utf8' }).on('data', (chunk: string) => (text += chunk));
  // An output uses no more of a terminal than that it is none.
  return { stream: Object.assign(stream, { isTTY: false }) as unknown as WriteStream, text: () => text };
}
