import { setTimeout as sleep } from 'node:timers/promises';

import type { AuthFile } from '../../auth/auth-file.js';
import { readAuthFile } from '../../auth-file.js';
import { LakeportError } from '../../errors.js';
import type { ExportOptions } from '../../export/model/options.js';
import { readersPerTable } from '../../export/planning/reader-budget.js';
import { Announcement, workerName } from '../../fleet/announcement.js';
import { isCoordinated, sessionsOf } from '../../fleet/keeper-choice.js';
import { loadQueueLibrary } from '../../fleet/load-queue.js';
import { requireQueue, SliceQueue } from '../../fleet/slice-queue.js';
import { SnapshotKeeping } from '../../fleet/snapshot-keeping.js';
import { otherVersion, type WorkEnd, WorkLoop } from '../../fleet/work-loop.js';
import { WorkerReaders } from '../../fleet/worker-readers.js';
import { openDialect, type RunLog, type RunWorkers } from '../../runlog/index.js';
import { interruption, raceAbort } from '../../runtime/interruption.js';
import { availableCores } from '../../runtime/machine.js';
import { count, counted } from '../../text/quantities.js';
import { VERSION } from '../../version.js';
import type { CliContext } from '../context.js';
import { type Flag, spelling } from '../flags/flag.js';
import { FLAGS } from '../flags/flags.js';
import type { ParsedFlags } from '../flags/parsed-flags.js';
import { openRunLogFromFlags } from '../flags/runlog-flags.js';
import { usageError } from '../flags/usage-error.js';
import { readLoggingSettings } from '../logging/open-event-log.js';
import type { WorkDocument } from '../reports/document-schemas.js';
import { exitCodeOf, writeDocument } from '../reports/failure.js';
import { closeLog } from '../run-history/open-runlog.js';
import { recordedSalt, refuseOtherPlaces, restoredOptions } from '../run-history/recorded-options.js';
import { refuseOtherSalt } from '../run-history/mask-salt.js';
import { type Session, withSession } from '../session.js';

/** How often a worker looks whether its run has begun. */
const LOOK_MS = 1_000;

interface WorkSettings {
  readonly authFile: string;
  readonly logId: string;
  readonly runId: string;
  readonly slots: number;
  readonly waitMs: number;
  readonly idleExitMs: number | undefined;
  readonly name: string | undefined;
}

interface Work extends WorkSettings {
  readonly auth: AuthFile;
  readonly log: RunLog;
  readonly session: Session;
  readonly context: CliContext;
}

/**
 * `lakeport work`: reads slices of a run that another process coordinates.
 * @returns the exit code
 * @throws LakeportError of class `usage` for a mistake on the command line; everything else is shown here
 */
export async function workCommand(flags: ParsedFlags, context: CliContext): Promise<number> {
  const settings = readWorkSettings(flags);
  await loadQueueLibrary();
  const logging = readLoggingSettings(flags);
  const { runId } = settings;
  const json = flags.get(FLAGS.json);
  return withSession({ command: 'work', runId, logging, json, context }, async (session) => {
    session.aboutRun(runId);
    const auth = await readAuthFile(settings.authFile, context);
    for (const warning of auth.warnings) session.log.write('WARNING', warning);
    // Before it waits for a run that can never begin.
    requireQueue(await openDialect(auth.database(settings.logId)));
    const log = await openRunLogFromFlags({ entryId: settings.logId, mode: 'preserve' }, { auth, context });
    try {
      const beganAt = performance.now();
      const worked = await work({ ...settings, auth, log, session, context });
      session.stop();
      const seconds = (performance.now() - beganAt) / 1000;
      const stopped = worked.ended === 'signal' ? interruption(context.signal) : undefined;
      const exitCode = context.log.exitCode(stopped === undefined ? 0 : exitCodeOf(stopped));
      if (json) writeDocument(workDocument(worked, { runId, seconds, exitCode, session }), context);
      if (stopped !== undefined) throw stopped;
      if (!json && !logging.quiet) context.stdout.write(`${sentence(worked, runId)}\n`);
      return exitCode;
    } finally {
      await closeLog(log, context.signal);
    }
  });
}

function readWorkSettings(flags: ParsedFlags): WorkSettings {
  const parallel = flags.get(FLAGS.parallel);
  const cores = availableCores();
  return {
    authFile: required(flags, FLAGS.authFile),
    logId: required(flags, FLAGS.logDatabaseId),
    runId: required(flags, FLAGS.runId),
    slots: parallel === 'auto' ? cores : readersPerTable(parallel, cores),
    waitMs: flags.get(FLAGS.waitMs),
    idleExitMs: flags.get(FLAGS.idleExitMs),
    name: flags.get(FLAGS.workerName),
  };
}

function required(flags: ParsedFlags, flag: Flag<string | undefined>): string {
  const value = flags.get(flag);
  if (value !== undefined) return value;
  throw usageError({
    code: 'MISSING_FLAG',
    message: `${spelling(flag)} must be given`,
    hint: 'lakeport work -a auth.json --log-db-auth-id log_pg --run-id RUN_ID',
    flag: spelling(flag),
  });
}

/** What a worker has done. `complete`: the run was, before there was anything to do. */
interface Worked {
  readonly ended: WorkEnd | 'complete';
  readonly worker: string;
  readonly slices: number;
  readonly rows: number;
}

function sentence({ ended, slices, rows }: Worked, runId: string): string {
  if (ended === 'complete') return `Run ${runId} is complete: there is nothing to read.`;
  const why = ended === 'idle' ? 'No slice is left to read' : 'The run is over';
  return `${why}: this worker has read ${counted(slices, 'slice')} with ${count(rows)} rows.`;
}

function workDocument(
  { ended, worker, slices, rows }: Worked,
  {
    runId,
    seconds,
    exitCode,
    session,
  }: { readonly runId: string; readonly seconds: number; readonly exitCode: number; readonly session: Session },
): WorkDocument {
  return {
    lakeport: VERSION,
    command: 'work',
    exit_code: exitCode,
    run_id: runId,
    worker,
    ended: ended === 'idle' || ended === 'signal' ? ended : 'run_over',
    slices,
    rows,
    seconds: Math.round(seconds * 1000) / 1000,
    warnings: session.warnings,
  };
}

/** @throws LakeportError */
async function work(input: Work): Promise<Worked> {
  const { runId, auth, session, context } = input;
  const run = await begun(input);
  if (run === undefined) return { ended: 'complete', worker: workerName(input.name), slices: 0, rows: 0 };
  const options = await optionsOf(run, input);
  if ('directory' in options.target) context.redactor.addPublic(options.target.directory);
  const { signal } = context;
  const readers = new WorkerReaders({ options, auth, observer: session.observer, signal });
  try {
    const queue = await SliceQueue.join(await openDialect(auth.database(input.logId)), runId, (error) =>
      session.log.write('DEBUG', `The queue: ${LakeportError.from(error).message}`),
    );
    try {
      return await takeSlices(input, queue, readers);
    } finally {
      await queue.close();
    }
  } finally {
    await readers.close();
  }
}

async function takeSlices(input: Work, queue: SliceQueue, readers: WorkerReaders): Promise<Worked> {
  const { runId, slots, waitMs, idleExitMs, name, log, session, context } = input;
  const { signal } = context;
  const loop: WorkLoop = new WorkLoop({
    ...{ queue, slots, waitMs, idleExitMs, signal },
    poolFor: (server, onFailed) => readers.poolFor(server, onFailed),
    lookAtRun: () => log.stateOf(runId),
    isCoordinated: async () => isCoordinated(await log.workersOf(runId)),
    sessionsOf: async ({ moment }) =>
      sessionsOf((await log.workersOf(runId)).workers, moment).map(({ snapshot }) => snapshot),
    discard: (parts) => readers.discard(parts),
    onChange: () => announcement.renew(),
    message: (level, text, fields) => session.observer.message?.(level, text, fields),
  });
  const keeping: SnapshotKeeping = new SnapshotKeeping({
    workerId: () => announcement.workerId,
    lookAtRun: () => log.workersOf(runId),
    keep: (held) => readers.keep(held),
    onChange: () => announcement.renew(),
    message: (level, text, fields) => session.observer.message?.(level, text, fields),
  });
  const standing = () => ({ ...loop.standing, snapshot: keeping.held });
  const announcement = new Announcement({ log, runId, role: 'worker', name, standing });
  await announcement.begin();
  keeping.begin();
  session.log.write('INFO', `Worker ${announcement.name} reads ${counted(slots, 'slice')} at a time`, {
    event: 'worker_started',
    slots,
  });
  let end: WorkEnd;
  try {
    end = await loop.run();
  } finally {
    await keeping.close();
    await announcement.end();
  }
  const { slicesRead, rows } = loop.standing;
  return { ended: end, worker: announcement.name, slices: slicesRead, rows };
}

/**
 * Waits until a process coordinates the run.
 * @returns undefined if the run is complete
 */
async function begun({ runId, waitMs, log, session, context }: Work): Promise<RunWorkers | undefined> {
  const until = performance.now() + waitMs;
  for (let isTold = false; ; isTold = true) {
    const run = await raceAbort(context.signal, log.workersOf(runId));
    if (run.state === 'completed') return undefined;
    if (run.state === 'running' && isCoordinated(run)) return run;
    if (performance.now() >= until) throw withoutRun(runId, run);
    if (!isTold) session.log.write('INFO', `Waiting for run ${runId}`, { event: 'waiting_for_run' });
    await raceAbort(context.signal, sleep(LOOK_MS));
  }
}

function withoutRun(runId: string, { state }: RunWorkers): LakeportError {
  return new LakeportError({
    code: 'WORKER_WITHOUT_RUN',
    message: `No process coordinates run ${runId}${state === undefined ? ', which is not in the run log' : ''}`,
    hint: `Start it with --workers external --run-id ${runId} and the same run log, or wait longer with --wait.`,
    context: { detail: '--wait' },
  });
}

/** The run's options, once it is certain that they mean the same here. @throws LakeportError of class `usage` */
async function optionsOf({ toolVersion, settings }: RunWorkers, { runId, auth }: Work): Promise<ExportOptions> {
  if (toolVersion !== VERSION) throw otherVersion(toolVersion ?? '?');
  const options = restoredOptions(settings, runId);
  auth.database(options.sourceId);
  try {
    refuseOtherPlaces(settings, options, auth);
  } catch (thrown) {
    const error = LakeportError.from(thrown);
    if (error.code !== 'RESUME_ELSEWHERE') throw error;
    throw new LakeportError({
      code: 'WORKER_OTHER_DESTINATION',
      message: error.message,
      hint: 'Give workers the same entry as the run.',
      context: error.context,
    });
  }
  await refuseOtherSalt(recordedSalt(settings), { options, auth });
  return options;
}
