import { readAuthFile, type AuthFile } from '../../auth/auth-file.js';
import type { Redactor } from '../../auth/redaction.js';
import { EXIT_CODES } from '../../errors.js';
import type { ExportOptions } from '../../export/options.js';
import type { RunPlan } from '../../export/plan.js';
import type { CliContext } from '../context.js';
import { readExportSettings, type ExportSettings } from '../export-settings.js';
import { writeDocument } from '../failure.js';
import type { GivenFlags } from '../given-flags.js';
import { readLoggingSettings } from '../logging.js';
import { combineObservers } from '../observers.js';
import { runDocument } from '../run-json.js';
import { withSession, type Session } from '../session.js';

interface ExportInput {
  readonly options: ExportOptions;
  readonly auth: AuthFile;
  readonly session: Session;
  readonly context: CliContext;
  readonly json: boolean;
  readonly quiet: boolean;
}

/**
 * The default command, and `plan`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for what is wrong on the command line; everything else is shown here
 */
export async function exportCommand(
  flags: GivenFlags,
  context: CliContext,
  { plan }: { readonly plan: boolean },
): Promise<number> {
  const settings = readExportSettings(flags);
  const logging = readLoggingSettings(flags);
  const planOnly = plan || settings.dryRun;
  const json = flags.has('json');
  const command = planOnly ? 'plan' : 'export';
  return withSession({ command, runId: settings.runId, logging, json, context }, async (session) => {
    noticeIgnoredFlags(settings, session);
    const auth = await readAuthFile(settings.authFile, context);
    for (const warning of auth.warnings) session.log.write('WARNING', warning);
    const options = settings.optionsFor(auth.database(settings.sourceId));
    // A storage's id is checked before the source is connected to.
    if ('storageId' in options.target) auth.storage(options.target.storageId);
    else context.redactor.addPublic(options.target.directory);
    for (const { storageId } of options.routes) auth.storage(storageId);
    const input = { options, auth, session, context, json, quiet: logging.quiet };
    return planOnly ? showPlan(input) : runExport(input);
  });
}

function noticeIgnoredFlags({ ignoredFlags }: ExportSettings, session: Session): void {
  if (ignoredFlags.length === 0) return;
  session.log.write('WARNING', `Not needed by lakeport, and ignored: ${ignoredFlags.join(', ')}`);
}

/** Names of the user's tables are no secrets, whatever they are. */
function publicNames(plan: RunPlan, redactor: Redactor): void {
  for (const { id } of [...plan.tables, ...plan.problems]) {
    redactor.addPublic(id.schema);
    redactor.addPublic(id.name);
  }
  for (const { columns } of plan.tables) for (const { spec } of columns) redactor.addPublic(spec.name);
}

async function runExport({ options, auth, session, context, json, quiet }: ExportInput): Promise<number> {
  const { runExport: run } = await import('../../export/export.js');
  session.start();
  const publish = (plan: RunPlan) => publicNames(plan, context.redactor);
  const observer = combineObservers({ planned: publish }, session.observer);
  const result = await run({ options, auth, observer, signal: context.signal });
  session.stop();
  if (json) writeDocument(runDocument(result, { ...options, source: options.sourceId }), context);
  else if (!quiet) {
    const { summaryText } = await import('../summary.js');
    context.stdout.write(
      context.redactor.redact(summaryText(result, { output: context.stdout, target: options.target })),
    );
  }
  return result.exit === undefined ? 0 : EXIT_CODES[result.exit];
}

async function showPlan({ options, auth, session, context, json }: ExportInput): Promise<number> {
  const [{ planExport }, { planText, planDocument }] = await Promise.all([
    import('../../export/export.js'),
    import('../plan-report.js'),
  ]);
  session.start();
  const plan = await planExport({ options, auth, observer: session.observer, signal: context.signal });
  session.stop();
  publicNames(plan, context.redactor);
  if (json) writeDocument(planDocument(plan, options), context);
  else
    context.stdout.write(context.redactor.redact(planText(plan, { output: context.stdout, exportOptions: options })));
  return plan.problems.length === 0 ? 0 : EXIT_CODES['tables-failed'];
}
