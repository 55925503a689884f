import { VERSION } from '../version.js';
import type { CliContext } from './context.js';
import { parseCommandLine } from './flags/command-line.js';
import type { CommandName } from './flags/commands.js';
import { FLAGS } from './flags/flags.js';
import { ParsedFlags } from './flags/parsed-flags.js';
import { asFailure, exitCodeOf, showFailure } from './reports/failure.js';
import { outputLost } from './process/output-lost.js';
import { outputRequest } from './flags/output-request.js';

export interface RunCliOptions {
  /** False keeps exports out of the run log. */
  readonly logged?: boolean;
}

/**
 * Runs one command line (without the program's own name). Commands are loaded on demand, so that help and usage errors
 * are fast. Never throws.
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
    // With --json the error is a document, whatever else is wrong with the command line.
    showFailure(error, context, outputRequest(argv));
    return exitCodeOf(error);
  }
}

async function dispatch(
  argv: readonly string[],
  context: CliContext,
  { logged = true }: RunCliOptions,
): Promise<number> {
  const { command, word, flags, operands } = parseCommandLine(argv);
  if (flags.has(FLAGS.version)) {
    context.stdout.write(`lakeport ${VERSION}\n`);
    return 0;
  }
  if (flags.has(FLAGS.help)) {
    const { helpText } = await import('./flags/help.js');
    context.stdout.write(helpText(command, { columns: context.stdout.columns }));
    return 0;
  }
  return RUN[command.name]({ argv, word, flags, operands, context, logged });
}

interface CommandInput {
  /** The command line as typed. */
  readonly argv: readonly string[];
  /** One of the command's names. */
  readonly word: string;
  readonly flags: ParsedFlags;
  readonly operands: readonly string[];
  readonly context: CliContext;
  readonly logged: boolean;
}

/** Runs each command; resolves to the exit code. */
const RUN: Readonly<Record<CommandName, (input: CommandInput) => Promise<number>>> = {
  export: (input) => exporting(input, { plan: false }),
  plan: (input) => exporting(input, { plan: true }),
  check: async ({ flags, operands, context }) => {
    const { checkCommand } = await import('./commands/check.js');
    return checkCommand({ flags, ids: operands, context });
  },
  demo: async ({ context }) => {
    const { runDemo } = await import('./demo/command.js');
    return runDemo(context, (argv, options) => runCli(argv, context, options));
  },
  runs: async ({ flags, context }) => {
    const { runsCommand } = await import('./commands/runs.js');
    return runsCommand(flags, context);
  },
  status: async ({ flags, operands, context }) => {
    if (flags.has(FLAGS.syncId)) {
      const { syncStatusCommand } = await import('./commands/sync-status.js');
      return syncStatusCommand({ flags, ids: operands, context });
    }
    const { statusCommand } = await import('./commands/status.js');
    return statusCommand({ flags, ids: operands, context });
  },
  config: async ({ argv, flags, operands, context }) => {
    const { configCommand } = await import('./commands/config.js');
    return configCommand({ argv, flags, operands, context });
  },
  sync: async ({ argv, word, flags, context }) => {
    const { publishedSync, syncCommand } = await import('./commands/sync.js');
    return word === 'sync[publish]' ? publishedSync(flags, context) : syncCommand({ argv, flags, context });
  },
  cleanup: async ({ flags, context }) => {
    const { cleanupCommand } = await import('./commands/cleanup.js');
    return cleanupCommand(flags, context);
  },
  lxdb: async ({ flags, operands, context }) => {
    const { lxdbCommand } = await import('./commands/lxdb.js');
    return lxdbCommand({ flags, operands, context });
  },
  inspect: async ({ flags, operands, context }) => {
    const { inspectCommand } = await import('./commands/inspect.js');
    return inspectCommand({ flags, operands, context });
  },
  completion: async ({ operands, context }) => {
    const { completionCommand } = await import('./commands/completion.js');
    return completionCommand(operands, context);
  },
  work: async ({ flags, context }) => {
    const { workCommand } = await import('./commands/work.js');
    return workCommand(flags, context);
  },
  verify: async ({ flags, operands, context }) => {
    const { verifyCommand } = await import('./commands/verify.js');
    return verifyCommand({ flags, operands, context });
  },
  compact: async ({ flags, operands, context }) => {
    const { compactCommand } = await import('./commands/compact.js');
    return compactCommand({ flags, operands, context });
  },
};

async function exporting(
  { argv, flags, operands, context, logged }: CommandInput,
  { plan }: { readonly plan: boolean },
) {
  if (flags.has(FLAGS.resume)) {
    const { resumeRunCommand } = await import('./commands/resume.js');
    return resumeRunCommand(flags, context, { plan });
  }
  const { flags: all, saveJob } = await withJobFile(flags, context);
  // As with --resume, the run itself says where it wrote to.
  if (all.has(FLAGS.generateMetadata) && all.has(FLAGS.runId) && !all.has(FLAGS.sourceId)) {
    const { generateMetadataCommand } = await import('./commands/generate-metadata.js');
    return generateMetadataCommand(all, context, { plan });
  }
  if (flags.has(FLAGS.initDb) && !plan && !flags.has(FLAGS.dryRun)) {
    const { initDbCommand } = await import('./commands/init-db.js');
    return initDbCommand(all, context);
  }
  if (all.has(FLAGS.resumeIfExists) && !plan) {
    const { findExistingRun } = await import('./commands/resume-if-exists.js');
    const run = await findExistingRun(all, context);
    if (run.kind === 'complete') {
      context.log.current.write('INFO', 'The run is complete: there is nothing to do', { event: 'run_complete' });
      return 0;
    }
    if (run.kind === 'unfinished') {
      const { resumeRunCommand } = await import('./commands/resume.js');
      return resumeRunCommand(run.flags, context, { plan, waitsForOwner: true });
    }
  }
  const { exportCommand } = await import('./commands/export.js');
  return exportCommand(all, context, { argv, plan, tables: operands, saveJob, logged });
}

/** The flags, with those of the job file of `--config`. */
async function withJobFile(
  flags: ParsedFlags,
  { environment, redactor }: CliContext,
): Promise<{ readonly flags: ParsedFlags; readonly saveJob?: () => void }> {
  const config = flags.get(FLAGS.config);
  const save = flags.get(FLAGS.save);
  if (config === undefined && save === undefined) return { flags };
  const [{ overJobFile, readJobFile }, { jobText, saveJobFile }] = await Promise.all([
    import('./job-file/read-job.js'),
    import('./job-file/save-job.js'),
  ]);
  const job = config === undefined ? undefined : readJobFile(config, environment);
  const typed = new Map(Object.entries(flags.typed));
  return {
    flags: job === undefined ? flags : new ParsedFlags(overJobFile(typed, job.values)),
    ...(save !== undefined && {
      saveJob: () => saveJobFile(save, jobText({ values: overJobFile(typed, job?.written), typed, redactor })),
    }),
  };
}
