import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import type { Dataset } from '../../../model/dataset.js';
import { tableName } from '../../../model/table.js';
import { fromClause } from '../../row-set.js';
import type { SourceTable } from '../../source.js';
import { postgresError } from '../errors.js';
import { quoteTable } from '../identifiers.js';
import { postgresRows } from '../rows/rows.js';
import { runInSavepoint } from '../connection/savepoint.js';
import type { PostgresSettings } from '../connection/settings.js';
import { inBatches } from './batches.js';

/**
 * ACCESS SHARE locks, which keep a table's definition unchanged until the transaction ends and do not block reading or
 * writing rows. Each table is locked, or fails, independently.
 */

/** Tables that could not be locked, and why. */
export type LockFailures = Map<SourceTable, LakeportError>;

/** How long a batch of reads waits for a lock that is not free, before its tables are read one by one. */
const AT_ONCE_MS = 50;

/** Errors that would hit any other table too. */
const FATAL = new Set(['SOURCE_OUT_OF_MEMORY', 'SOURCE_CONNECTION_LOST', 'SOURCE_SHUT_DOWN', 'UNEXPECTED']);

/** The lock is another session's, or the wait for it was given up. */
const NOT_GRANTED = new Set(['TABLE_LOCKED', 'SOURCE_STATEMENT_CANCELED']);

/**
 * Locks tables and views with LOCK TABLE, which does not fix the transaction's snapshot yet. First those that are free,
 * at once; then it waits for the others, for the lock timeout in total (0: no limit).
 * @throws LakeportError if the server cannot hold more locks, or is gone
 */
export async function lockTables(
  client: Client,
  tables: readonly SourceTable[],
  { lockTimeoutMs: timeoutMs, withHeirs = false }: Pick<PostgresSettings, 'lockTimeoutMs' | 'withHeirs'>,
): Promise<LockFailures> {
  const failures: LockFailures = new Map();
  await inBatches(tables, async (batch) => {
    const [first] = batch;
    if (first === undefined) return true;
    const error = await failureOf(client, `${lockStatement(batch, withHeirs)} NOWAIT`, first);
    if (error !== undefined && batch.length === 1) failures.set(first, error);
    return error === undefined;
  });
  const deadline = performance.now() + timeoutMs;
  for (const [table, { code }] of failures) {
    if (code !== 'TABLE_LOCKED') continue;
    const patience = timeoutMs === 0 ? 0 : Math.max(1, Math.ceil(deadline - performance.now()));
    await client.query(`SET LOCAL lock_timeout = ${patience}`);
    const error = await failureOf(client, lockStatement([table], withHeirs), table);
    if (error) failures.set(table, error);
    else failures.delete(table);
  }
  return failures;
}

/**
 * Locks what LOCK TABLE does not accept (materialized views, foreign tables, tables with column grants only) by reading
 * no rows, which also reveals a view or foreign table that cannot be read. It fixes the transaction's snapshot, so it
 * comes afterwards; a change in between shows as a failed read, never as other rows.
 * @param tables each with a read of no rows
 */
export async function lockByReading(
  client: Client,
  tables: ReadonlyMap<SourceTable, string>,
  { lockTimeoutMs, statementTimeoutMs = 0 }: Pick<PostgresSettings, 'lockTimeoutMs' | 'statementTimeoutMs'>,
): Promise<LockFailures> {
  const failures: LockFailures = new Map();
  const local = [...tables.keys()].filter(({ isForeign }) => isForeign !== true);
  const read = await readAtOnce(client, local, (table) => tables.get(table) ?? readOfNoRows(table.dataset));
  await client.query(`SET LOCAL lock_timeout = ${lockTimeoutMs}`);
  const limits = [lockTimeoutMs, statementTimeoutMs].filter((limit) => limit > 0);
  const patienceMs = limits.length === 0 ? 0 : Math.min(...limits);
  for (const [table, statement] of tables) {
    if (read.has(table)) continue;
    // The other server is queried, and lock_timeout does not apply if it never answers. A failure resets the setting.
    const bounded = [
      `SET LOCAL statement_timeout = ${patienceMs}`,
      statement,
      `SET LOCAL statement_timeout = ${statementTimeoutMs}`,
    ];
    const error = await failureOf(client, table.isForeign === true ? bounded.join('; ') : statement, table);
    const isSilent = table.isForeign === true && error?.code === 'SOURCE_STATEMENT_CANCELED';
    if (error) failures.set(table, isSilent ? foreignServerSilent(table, patienceMs, error) : error);
  }
  return failures;
}

function foreignServerSilent({ id }: SourceTable, patienceMs: number, cause: LakeportError): LakeportError {
  return new LakeportError({
    code: 'FOREIGN_SERVER_SILENT',
    message: `The server that the foreign table reads did not answer within ${patienceMs / 1000} s`,
    hint: 'Check that server and the options of CREATE SERVER (host, port, connect_timeout), raise --lock-timeout, or leave the table out with --exclude',
    context: { table: tableName(id) },
    cause,
  });
}

/**
 * Locks the tables of a dataset for a separate read. Those that cannot be locked for another reason than a wait for it are
 * read without a lock.
 * @param selected a quoted column that this user may read
 * @throws the driver's error if the lock is not granted
 */
export async function lockForRead(client: Client, dataset: Dataset, selected: string): Promise<void> {
  const statements = [
    ...(dataset.kind === 'table' ? [`LOCK TABLE ${quoteTable(dataset.id)} IN ACCESS SHARE MODE`] : []),
    readOfNoRows(dataset, selected),
  ];
  for (const statement of statements) {
    try {
      await runInSavepoint(client, statement);
      return;
    } catch (thrown) {
      const { code } = postgresError(thrown);
      if (NOT_GRANTED.has(code) || FATAL.has(code)) throw thrown;
    }
  }
}

/**
 * A read that locks what a dataset is read from. Not `WHERE false`, with which the server would not lock partitions.
 * @param selected what to select: `*`, or a quoted column that this user may read
 */
export function readOfNoRows(dataset: Dataset, selected = '*'): string {
  const rows = postgresRows({ ...dataset, predicates: undefined, increment: undefined, sample: undefined });
  return `SELECT ${selected} ${fromClause(rows)} LIMIT 0`;
}

/** Reads tables in batches. Returns those of the batches that succeed; the others are to be read one by one. */
async function readAtOnce(
  client: Client,
  tables: readonly SourceTable[],
  statementOf: (table: SourceTable) => string,
): Promise<ReadonlySet<SourceTable>> {
  const read = new Set<SourceTable>();
  await client.query(`SET LOCAL lock_timeout = ${AT_ONCE_MS}`);
  await inBatches(tables, async (batch) => {
    const [first] = batch;
    if (first === undefined || batch.length === 1) return true;
    const error = await failureOf(client, batch.map(statementOf).join('; '), first);
    if (error === undefined) for (const table of batch) read.add(table);
    return error === undefined;
  });
  return read;
}

/** What inherits from a table that is read alone may be locked by others. */
function lockStatement(tables: readonly SourceTable[], withHeirs: boolean): string {
  const names = tables.map(({ id, kind }) => `${withHeirs || kind !== 'table' ? '' : 'ONLY '}${quoteTable(id)}`);
  return `LOCK TABLE ${names.join(', ')} IN ACCESS SHARE MODE`;
}

/** Why a statement fails, after which the transaction goes on. @throws LakeportError if it would fail for others too */
async function failureOf(client: Client, statement: string, table: SourceTable): Promise<LakeportError | undefined> {
  try {
    await runInSavepoint(client, statement);
    return undefined;
  } catch (thrown) {
    const error = postgresError(thrown, { table: table.id });
    if (FATAL.has(error.code)) throw postgresError(thrown);
    return error;
  }
}
