import { randomUUID } from 'node:crypto';

import { readAuthFile } from '../../auth-file.js';
import type { SchemaStatus } from '../../runlog/index.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import type { InitDbDocument } from '../reports/document-schemas.js';
import { writeDocument } from '../reports/failure.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { logTarget, openRunLogFromFlags, readLogFlags } from '../flags/runlog-flags.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { closeLog } from '../run-history/open-runlog.js';
import { printable } from '../../text/printable.js';
import { withSession } from '../session.js';

/**
 * `--init-db`: creates or migrates the run log's schema, with `--workers external` that of the queue too, and exports nothing.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function initDbCommand(flags: ParsedFlags, context: CliContext): Promise<number> {
  const logFlags = readLogFlags(flags);
  const authFile = flags.get(FLAGS.authFile);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  const withQueue = flags.get(FLAGS.workers) !== undefined;
  return withSession({ command: 'init_db', runId: randomUUID(), logging, json, context }, async (session) => {
    const auth = authFile === undefined ? undefined : await readAuthFile(authFile, context);
    for (const warning of auth?.warnings ?? []) session.log.write('WARNING', warning);
    const log = await openRunLogFromFlags(logFlags, { auth, context });
    await closeLog(log, context.signal);
    if (withQueue) {
      const [{ SliceQueue }, { openDialect }] = await Promise.all([
        import('../../fleet/slice-queue.js'),
        import('../../runlog/index.js'),
      ]);
      await SliceQueue.install(await openDialect(await logTarget(logFlags, { auth, context })));
    }
    const { address, schema } = log;
    session.stop();
    const emptied = logFlags.mode === 'truncate';
    const exitCode = context.log.exitCode(0);
    const document: InitDbDocument = {
      lakeport: VERSION,
      command: 'init_db',
      exit_code: exitCode,
      run_log: address,
      schema,
      emptied,
    };
    if (json) writeDocument(document, context);
    else if (!logging.quiet)
      context.stdout.write(`${context.redactor.redact(sentence(address, schema, { emptied }))}\n`);
    return 0;
  });
}

function sentence(address: string, schema: SchemaStatus, { emptied }: { readonly emptied: boolean }): string {
  const done = {
    created: 'has been created',
    migrated: 'has been migrated to the current version',
    current: 'is already up to date',
  }[schema];
  return `The run log ${printable(address)} ${done}${emptied ? '; it is empty now' : ''}.`;
}
