import type { LoggedWorker, RunHistory } from '../../runlog/index.js';
import { printable } from '../../text/printable.js';
import { count, counted, someOf } from '../../text/quantities.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';
import type { Output } from '../terminal/output.js';
import type { StatusDocument } from './document-schemas.js';

const WORKER_COLUMNS: readonly TextColumn[] = [
  { title: 'WORKER' },
  { title: 'HOST' },
  { title: 'SLOTS', align: 'right' },
  { title: 'READ', align: 'right' },
  { title: 'ROWS', align: 'right' },
  { title: 'STATE' },
  { title: 'READS' },
];

/** Slices that a worker reads of which so many are named. */
const MOST_NAMED = 3;

interface WorkerReport {
  readonly history: RunHistory;
  /** Empty for a run whose slices are read by its own threads. */
  readonly workers: readonly LoggedWorker[];
}

/** Workers on other machines, human-readable; no lines for a run that has none. */
export function workersLines({ history, workers }: WorkerReport, output: Output): string[] {
  if (workers.length === 0) return [];
  const { waiting, active } = sliceCounts({ history, workers });
  const listed = workers.filter(({ role, slots }) => role === 'worker' || slots > 0);
  const text = tableLines({ columns: WORKER_COLUMNS, rows: listed.map(workerRow) });
  const painted = text.rows.map((line, at) => (listed[at]?.isLiving === true ? line : output.paint('dim', line)));
  const summary = `${counted(waiting, 'slice')} waiting, ${count(active)} being read`;
  return ['', summary, ...(listed.length === 0 ? [] : [output.paint('dim', text.title), ...painted])];
}

/** The same of `status --json`; nothing for a run that has none. */
export function workersDocument({ history, workers }: WorkerReport): Pick<StatusDocument, 'workers'> {
  if (workers.length === 0) return {};
  const { waiting, active } = sliceCounts({ history, workers });
  return {
    workers: {
      waiting_slices: waiting,
      active_slices: active,
      processes: workers.map((worker) => ({
        role: worker.role,
        name: worker.name,
        host: worker.host,
        process_id: worker.processId,
        state: stateOf(worker),
        slots: worker.slots,
        slices_read: worker.slicesRead,
        rows: worker.rows,
        joined_at: worker.joinedAt.toISOString(),
        heartbeat_at: worker.heartbeatAt.toISOString(),
        left_at: worker.leftAt?.toISOString() ?? null,
        slices: worker.slices.map(({ table, slice, rows, bytes }) => ({ table, slice, rows, bytes })),
      })),
    },
  };
}

function sliceCounts({ history: { run, tables, partitions }, workers }: WorkerReport) {
  const active = workers.reduce((sum, { isLiving, slices }) => sum + (isLiving ? slices.length : 0), 0);
  if (run.state !== 'running') return { waiting: 0, active };
  // A table in one piece has no partition before it is read.
  const whole = tables.filter(({ state, partitions: pieces }) => state === 'pending' && pieces === 1).length;
  const known = new Set(tables.filter(({ partitions: pieces }) => pieces > 1).map(({ jobId }) => jobId));
  const pieces = partitions.filter(({ jobId, state }) => known.has(jobId) && state === 'pending').length;
  return { waiting: whole + pieces, active };
}

function workerRow(worker: LoggedWorker): string[] {
  const { name, host, slots, slicesRead, rows, slices, isLiving } = worker;
  const names = slices.map(({ table, slice }) => (slice === 0 ? table : `${table} ${slice}`));
  return [
    printable(name),
    printable(host),
    count(slots),
    count(slicesRead),
    count(rows),
    stateOf(worker),
    isLiving ? printable(someOf(names, MOST_NAMED)) : '',
  ];
}

function stateOf({ isLiving, leftAt }: LoggedWorker): 'working' | 'left' | 'lost' {
  return leftAt !== undefined ? 'left' : isLiving ? 'working' : 'lost';
}
