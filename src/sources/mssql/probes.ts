import { fromClause, type RowSet } from '../row-set.js';
import type { MssqlClient } from './connection/client.js';
import { errorNumber } from './errors.js';
import { maskParameters } from './columns/masks.js';
import type { WireType } from './tds/wire-type.js';

/**
 * Statements that select columns and no rows, as the readers will select all rows: missing permissions and impossible
 * conversions show up before the first row is read.
 */
export interface Probe {
  readonly rows: RowSet;
  /** Expressions of the SELECT list. */
  readonly list: readonly string[];
}

/** Number of probes per request. */
export const PROBE_BATCH = 100;

/** Lock timeouts and deadlocks, each of which takes its time: a batch that has met one is not sent again. */
const CONTENDED = new Set([1222, 1205]);

/** Types of the columns of one probe. @throws the driver's errors */
export function answerProbe(client: MssqlClient, probe: Probe): Promise<WireType[]> {
  const statement = probeStatement(probe, probe.list);
  // No row needs the salt.
  return client.describe(statement, maskParameters(statement, ''));
}

/**
 * Types of the columns of each probe, by few requests; undefined for a probe that failed, and perhaps for others beside it,
 * to be asked for alone. A missing grant ends one statement, a missing object the batch, and a missing column keeps all of
 * the batch from running.
 * @throws the driver's error if the connection is lost
 */
export async function answerProbes(
  client: MssqlClient,
  probes: readonly Probe[],
): Promise<ReadonlyMap<Probe, readonly WireType[]>> {
  const answers = new Map<Probe, readonly WireType[]>();
  const batches: (readonly Probe[])[] = [];
  for (let at = 0; at < probes.length; at += PROBE_BATCH) batches.push(probes.slice(at, at + PROBE_BATCH));
  for (let batch = batches.pop(); batch !== undefined; batch = batches.pop()) {
    const error = await answerBatch(client, batch, answers);
    if (error === undefined) continue;
    const number = errorNumber(error);
    if (number === undefined) throw error;
    if (CONTENDED.has(number)) continue;
    batches.push(...unfinished(batch, answers));
  }
  return answers;
}

/** Adds to `answers`. @returns the driver's error if a statement failed */
async function answerBatch(
  client: MssqlClient,
  batch: readonly Probe[],
  answers: Map<Probe, readonly WireType[]>,
): Promise<Error | undefined> {
  // Failed statements give no result: the first column tells whose result one is.
  const statements = batch.map((probe, i) => probeStatement(probe, [`${i} AS [${i}]`, ...probe.list]));
  const sql = statements.join(';\n');
  const { results, error } = await client.describeResults(sql, maskParameters(sql, ''));
  for (const [mark, ...columns] of results) {
    const probe = batch[Number(mark?.name)];
    if (probe !== undefined) {
      const types = columns.map(({ type }) => type);
      answers.set(probe, types);
    }
  }
  return error;
}

/** Batches of the probes that a failed batch has left open. */
function unfinished(batch: readonly Probe[], answers: ReadonlyMap<Probe, unknown>): readonly (readonly Probe[])[] {
  const last = batch.findLastIndex((probe) => answers.has(probe));
  const middle = batch.length >> 1;
  // Nothing ran: one of two halves may. Else the first without an answer has ended the batch.
  const parts = last < 0 ? [batch.slice(0, middle), batch.slice(middle)] : [batch.slice(last + 2)];
  return parts.filter(({ length }) => length > 0 && length < batch.length);
}

function probeStatement({ rows }: Probe, list: readonly string[]): string {
  return `${rows.prefix}SELECT TOP (0) ${list.join(', ')} ${fromClause(rows)}`;
}
