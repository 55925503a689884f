import { randomUUID } from 'node:crypto';

import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { usageError } from '../flags/usage-error.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { writeDocument } from '../reports/failure.js';
import { syncStatusDocument, syncStatusText } from '../reports/sync-report.js';
import { readLogReading, withLog } from '../run-history/open-runlog.js';
import { withSession } from '../session.js';
import { findSync } from '../stored-syncs/find-sync.js';

/**
 * `lakeport status --sync-id`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function syncStatusCommand({
  flags,
  ids,
  context,
}: {
  readonly flags: ParsedFlags;
  /** Words that are not flags. */
  readonly ids: readonly string[];
  readonly context: CliContext;
}): Promise<number> {
  if (ids.length > 0 || flags.has(FLAGS.runId)) {
    throw usageError({
      code: 'FLAG_CONFLICT',
      message: 'lakeport status shows either a run or, with --sync-id, a stored sync',
      flag: '--sync-id',
    });
  }
  const given = flags.get(FLAGS.syncId);
  const limit = flags.get(FLAGS.limit);
  const reading = readLogReading(flags);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'sync_status', runId: randomUUID(), logging, json, context }, async (session) => {
    await withLog(reading, { context, session }, async (log) => {
      const sync = await findSync(log, given);
      const { syncId } = sync;
      const [lock] = await log.syncLocks({ syncId });
      const status = {
        sync,
        lock,
        runs: await log.runs({ limit, syncId }),
        watermarks: await log.watermarks({ syncId, limit }),
      };
      const { address } = log;
      const now = new Date();
      if (json) writeDocument(syncStatusDocument(status, { address, exitCode: context.log.exitCode(0), now }), context);
      else {
        const text = syncStatusText(status, { output: context.stdout, address, limit, now });
        context.stdout.write(context.redactor.redact(text));
      }
    });
    return 0;
  });
}
