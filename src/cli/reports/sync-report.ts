import type { RunRecord, SyncLock, SyncRecord, WatermarkRecord } from '../../runlog/index.js';
import { printable, tableName } from '../../text/printable.js';
import { count, timeSpan } from '../../text/quantities.js';
import { tableLines, type TextColumn } from '../../text/text-table.js';
import { shownTime } from '../../text/times.js';
import { VERSION } from '../../version.js';
import { FLAGS } from '../flags/flags.js';
import { readStoredFlags } from '../stored-syncs/stored-flags.js';
import type { Output } from '../terminal/output.js';
import { runsText, runSummaryDocument } from './runs-report.js';
import type { LockDocument, StoredSyncDocument, SyncStatusDocument } from './sync-schemas.js';

/** What `lakeport config`, `status --sync-id` and `lxdb locks` show of stored syncs. */

export interface SyncStatus {
  readonly sync: SyncRecord;
  readonly lock: SyncLock | undefined;
  /** Latest first. */
  readonly runs: readonly RunRecord[];
  /** Latest first. */
  readonly watermarks: readonly WatermarkRecord[];
}

const SYNC_COLUMNS: readonly TextColumn[] = [
  { title: 'SYNC' },
  { title: 'ENV' },
  { title: 'SOURCE' },
  { title: 'TARGET' },
  { title: 'UPDATED (UTC)' },
];

const LOCK_COLUMNS: readonly TextColumn[] = [
  { title: 'SYNC' },
  { title: 'RUN' },
  { title: 'SINCE (UTC)' },
  { title: 'LAST HEARD (UTC)' },
  { title: 'HOLDER' },
];

const WATERMARK_COLUMNS: readonly TextColumn[] = [
  { title: 'TABLE' },
  { title: 'CURSOR' },
  { title: 'WATERMARK' },
  { title: 'BEHIND', align: 'right' },
  { title: 'SYNC', align: 'right' },
  { title: 'SNAPSHOT (UTC)' },
];

const HISTORY_COLUMNS: readonly TextColumn[] = [
  { title: 'TABLE' },
  { title: 'SYNC', align: 'right' },
  { title: 'KIND' },
  { title: 'ROWS', align: 'right' },
  { title: 'FROM' },
  { title: 'TO' },
  { title: 'RECORDED (UTC)' },
];

/** The list of stored syncs, human-readable. */
export function syncsText(
  syncs: readonly SyncRecord[],
  options: { readonly output: Output; readonly address: string },
) {
  if (syncs.length === 0) return `The run log ${printable(options.address)} has no stored sync.\n`;
  const rows = syncs.map((sync) => {
    const flags = readStoredFlags(sync.settings, sync.syncId);
    const last = (...names: readonly string[]) => names.map((name) => flags.get(name)?.at(-1) ?? '').join('');
    return [
      sync.syncId,
      sync.envName ?? '',
      last(FLAGS.sourceId.name),
      last(FLAGS.outputDirectory.name, FLAGS.storageId.name),
      shownTime(sync.updatedAt),
    ].map(printable);
  });
  return textTable(options.output, SYNC_COLUMNS, rows);
}

export function locksText(locks: readonly SyncLock[], { output }: { readonly output: Output }): string {
  const rows = locks.map((lock) => [
    lock.syncId,
    lock.runId,
    shownTime(lock.lockedAt),
    shownTime(lock.heartbeatAt),
    `${lock.owner ?? `on host ${lock.host}`}${lock.isLiving ? '' : ' (dead)'}`,
  ]);
  return textTable(output, LOCK_COLUMNS, rows);
}

/** `lakeport status --sync-id`, human-readable. */
export function syncStatusText(
  status: SyncStatus,
  options: { readonly output: Output; readonly address: string; readonly limit: number; readonly now: Date },
): string {
  const { output, now } = options;
  const { sync, lock, runs, watermarks } = status;
  const facts = [
    ['Sync', sync.syncId],
    ['Environment', sync.envName],
    ['Updated', `${shownTime(sync.updatedAt)} UTC`],
    ['Command', sync.commandLine],
    ['In progress', lock?.isLiving === true ? `run ${lock.runId}, in ${lock.owner ?? lock.host}` : 'no'],
  ].flatMap(([name = '', value]) => (value === undefined ? [] : [`${name.padEnd(13)}${printable(value)}`]));
  const parts = [`${facts.join('\n')}\n`];
  if (watermarks.length > 0) {
    const tables = tablesOf(watermarks);
    const rows = tables.map(([latest, ...before]) => [
      nameOf(latest),
      `${latest.cursorColumn === undefined ? '' : `${printable(latest.cursorColumn)} `}(${latest.cursorType})`,
      // For people: the watermark of xmin is no text to read.
      printable(latest.upper ?? ''),
      behindText(behindSeconds([latest, ...before], now)),
      count(latest.number),
      latest.snapshotAt === undefined ? '' : shownTime(latest.snapshotAt),
    ]);
    parts.push(textTable(output, WATERMARK_COLUMNS, rows));
    const history = tables.flatMap((syncs) =>
      syncs.map((one) => [
        nameOf(one),
        count(one.number),
        one.kind,
        count(one.rows),
        printable(one.lower ?? ''),
        printable(one.upper ?? ''),
        shownTime(one.recordedAt),
      ]),
    );
    parts.push(textTable(output, HISTORY_COLUMNS, history));
  }
  parts.push(runs.length === 0 ? 'It has no runs yet.\n' : runsText(runs, options));
  return parts.join('\n');
}

/** The document of `status --sync-id --json`. */
export function syncStatusDocument(
  { sync, lock, runs, watermarks }: SyncStatus,
  { address, exitCode, now }: { readonly address: string; readonly exitCode: number; readonly now: Date },
): SyncStatusDocument {
  return {
    lakeport: VERSION,
    command: 'sync_status',
    exit_code: exitCode,
    run_log: address,
    sync: syncDocument(sync),
    lock: lock === undefined ? null : lockDocument(lock),
    tables: tablesOf(watermarks).map((syncs) => {
      const [latest] = syncs;
      return {
        schema: latest.schema,
        table: latest.table,
        storage: latest.storageId,
        path: latest.path,
        cursor: { type: latest.cursorType, column: latest.cursorColumn ?? null },
        watermark: latest.watermark ?? null,
        behind_seconds: behindSeconds(syncs, now) ?? null,
        syncs: syncs.map((one) => ({
          number: one.number,
          kind: one.kind,
          run_id: one.runId,
          lower: one.lower ?? null,
          upper: one.upper ?? null,
          rows: one.rows,
          snapshot_at: one.snapshotAt?.toISOString() ?? null,
          recorded_at: one.recordedAt.toISOString(),
        })),
      };
    }),
    runs: runs.map(runSummaryDocument),
  };
}

export function syncDocument(sync: SyncRecord): StoredSyncDocument {
  return {
    sync_id: sync.syncId,
    env_name: sync.envName ?? null,
    created_at: sync.createdAt.toISOString(),
    updated_at: sync.updatedAt.toISOString(),
    command_line: sync.commandLine,
    flags: Object.fromEntries(readStoredFlags(sync.settings, sync.syncId)),
  };
}

export function lockDocument(lock: SyncLock): LockDocument {
  return {
    sync_id: lock.syncId,
    run_id: lock.runId,
    host: lock.host,
    process: lock.owner ?? null,
    locked_at: lock.lockedAt.toISOString(),
    heartbeat_at: lock.heartbeatAt.toISOString(),
    living: lock.isLiving,
  };
}

type TableSyncs = readonly [latest: WatermarkRecord, ...before: WatermarkRecord[]];

/** The syncs of each table in each place, latest first. */
function tablesOf(watermarks: readonly WatermarkRecord[]): TableSyncs[] {
  const tables = new Map<string, [WatermarkRecord, ...WatermarkRecord[]]>();
  for (const one of watermarks) {
    const key = JSON.stringify([one.schema, one.table, one.place]);
    const known = tables.get(key);
    if (known === undefined) tables.set(key, [one]);
    else known.push(one);
  }
  return [...tables.values()].sort(([a], [b]) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/**
 * From the time of the last row that was read to the source's clock, now: what it was at the last snapshot that read one,
 * and the time since. Undefined if the cursor is no time.
 */
function behindSeconds(syncs: TableSyncs, now: Date): number | undefined {
  const last = syncs.find((one) => one.behindSeconds !== undefined);
  if (last?.behindSeconds === undefined) return undefined;
  const since = (now.getTime() - (last.snapshotAt ?? last.recordedAt).getTime()) / 1000;
  return Math.round(last.behindSeconds + Math.max(0, since));
}

function behindText(seconds: number | undefined): string {
  if (seconds === undefined) return '';
  return seconds < 0 ? `-${timeSpan(-seconds)}` : timeSpan(seconds);
}

function nameOf({ schema, table }: WatermarkRecord): string {
  return tableName({ schema, name: table });
}

function textTable(output: Output, columns: readonly TextColumn[], rows: readonly (readonly string[])[]): string {
  const table = tableLines({ columns, rows });
  return `${[output.paint('dim', table.title), ...table.rows].join('\n')}\n`;
}
