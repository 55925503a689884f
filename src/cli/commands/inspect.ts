import { randomUUID } from 'node:crypto';

import { readAuthFile } from '../../auth-file.js';
import { raceAbort } from '../../runtime/interruption.js';
import type { CliContext } from '../context.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { usageError } from '../flags/usage-error.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import { writeDocument } from '../reports/failure.js';
import { inspectDocument } from '../reports/inspect-json.js';
import { inspectText } from '../reports/inspect-report.js';
import { withSession } from '../session.js';
import { findFile, openPlace } from './stored-place.js';

/**
 * `lakeport inspect`.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function inspectCommand(options: {
  readonly flags: ParsedFlags;
  /** Words that are not flags: the file. */
  readonly operands: readonly string[];
  readonly context: CliContext;
}): Promise<number> {
  const { flags, operands, context } = options;
  const typed = onePath(operands);
  const authPath = flags.get(FLAGS.authFile);
  const rows = flags.get(FLAGS.shownRows);
  const logging = { ...readLoggingSettings(flags), banner: false };
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'inspect', runId: randomUUID(), logging, json, context }, async (session) => {
    const auth = authPath === undefined ? undefined : await readAuthFile(authPath, context);
    for (const warning of auth?.warnings ?? []) session.log.write('WARNING', warning);
    const place = await openPlace(typed, auth);
    try {
      session.start();
      session.say('reading the footer');
      const inspecting = async () => {
        const file = await findFile(place, auth);
        const { inspectFile } = await import('../../parquet-reader/inspection.js');
        return { file, inspection: await inspectFile(file, { rows }) };
      };
      const { file, inspection } = await raceAbort(context.signal, inspecting());
      session.stop();
      if (json) writeDocument(inspectDocument(inspection, file, context.log.exitCode(0)), context);
      else context.stdout.write(context.redactor.redact(inspectText(inspection, file, context.stdout)));
      return 0;
    } finally {
      await place.storage.close();
    }
  });
}

function onePath(operands: readonly string[]): string {
  const [typed, second] = operands;
  if (typed !== undefined && typed.trim() !== '' && second === undefined) return typed;
  throw usageError({
    code: 'ONE_FILE',
    message:
      second === undefined ? 'lakeport inspect needs the path of a file' : 'lakeport inspect shows one file at a time',
    hint: 'lakeport inspect ./exports/public/orders/part-00000.parquet, or -a auth.json and ID/PATH.',
  });
}
