import { randomUUID } from 'node:crypto';

import { raceAbort } from '../../runtime/interruption.js';
import type { CliContext } from '../context.js';
import { writeDocument } from '../reports/failure.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { closeLog, openLogToRead, readLogReading } from '../run-history/open-runlog.js';
import { runsDocument, runsText } from '../reports/runs-report.js';
import { withSession } from '../session.js';

/**
 * `lakeport runs`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function runsCommand(flags: ParsedFlags, context: CliContext): Promise<number> {
  const reading = readLogReading(flags);
  const limit = flags.get(FLAGS.limit);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'runs', runId: randomUUID(), logging, json, context }, async (session) => {
    const log = await openLogToRead(reading, { context, session });
    try {
      const runs = await raceAbort(context.signal, log.runs({ limit }));
      if (json) writeDocument(runsDocument(runs, log.address, context.log.exitCode(0)), context);
      else {
        const text = runsText(runs, { output: context.stdout, address: log.address, limit });
        context.stdout.write(context.redactor.redact(text));
      }
      return 0;
    } finally {
      await closeLog(log, context.signal);
    }
  });
}
