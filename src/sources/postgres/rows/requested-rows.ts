import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import type { Dataset, QueryDataset } from '../../../model/dataset.js';
import type { TableKind } from '../../../model/table.js';
import { badCondition, badQuery, checkNames, conditionProbes, noShareOf, queryProbes } from '../../requested-rows.js';
import type { DescribedDataset, ReadColumn } from '../../source.js';
import { postgresRows, selectColumns } from './rows.js';
import { describeStatement, type ResultField } from '../catalog/statement-description.js';

/** Checks of the SQL that a user gives. The session must have the readers' settings: they resolve the names. */

/** The name that the server gives to a column without one. */
const UNNAMED = '?column?';

/**
 * Checks a query.
 * @returns its columns
 * @throws LakeportError if it is anything but one SELECT, and the driver's errors
 */
export async function checkQuery(client: Client, dataset: QueryDataset): Promise<readonly ResultField[]> {
  const { id } = dataset;
  const { bare, nested } = queryProbes(dataset);
  try {
    const fields = await describeStatement(client, bare);
    if (fields === undefined) throw badQuery(id, 'it is a statement that returns no rows');
    const names = fields.map(({ name }) => name);
    checkNames(id, names, (name) => name === UNNAMED);
    await describeStatement(client, nested);
    return fields;
  } catch (thrown) {
    throw isOfStatement(thrown) ? badQuery(id, thrown.message, thrown) : thrown;
  }
}

/**
 * Checks the conditions and the sample of a dataset, whose SQL has been checked if it is a query.
 * @throws LakeportError if one cannot be used, and the driver's errors
 */
export async function checkRows(client: Client, dataset: Dataset, kind: TableKind): Promise<void> {
  const { predicates = [], sample, id } = dataset;
  if (sample !== undefined && 'percent' in sample && !SAMPLED.has(kind)) throw noShareOf(dataset, kind);
  for (const predicate of predicates) {
    const { bare, nested } = conditionProbes(postgresRows(dataset), predicate);
    try {
      await describeStatement(client, bare);
      await describeStatement(client, nested);
    } catch (thrown) {
      throw isOfStatement(thrown) ? badCondition(id, predicate, thrown.message, thrown) : thrown;
    }
  }
}

const SAMPLED: ReadonlySet<TableKind> = new Set(['table', 'partitioned table', 'materialized view']);

/** A node of the server's plan, as far as it is needed. */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Plan Rows': number;
  /** Average bytes of a row. */
  readonly 'Plan Width': number;
  readonly Plans?: readonly PlanNode[];
}

/** How the server's planner estimates rows that are not a table's, and whether it would fetch some from other servers. */
export async function explainRows(
  client: Client,
  dataset: Dataset,
  columns: readonly ReadColumn[],
): Promise<Pick<DescribedDataset, 'estimate' | 'isForeign'>> {
  const { rows } = await client.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
    `EXPLAIN (FORMAT JSON) ${selectColumns(postgresRows(dataset), columns)}`,
  );
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
  if (plan === undefined) return {};
  const estimatedRows = Math.round(plan['Plan Rows']);
  return {
    estimate: { estimatedRows, estimatedBytes: estimatedRows * plan['Plan Width'] },
    ...(isForeign(plan) && { isForeign: true }),
  };
}

function isForeign({ 'Node Type': type, Plans = [] }: PlanNode): boolean {
  return type === 'Foreign Scan' || Plans.some(isForeign);
}

/** Classes of SQLSTATEs that blame the statement: syntax and names, what is not supported, values in it. */
const OF_STATEMENTS = ['42', '0A', '22', '2F', '25'];
const PERMISSION_DENIED = '42501';

function isOfStatement(thrown: unknown): thrown is Error {
  if (thrown instanceof LakeportError || !(thrown instanceof Error) || !('code' in thrown)) return false;
  const { code } = thrown;
  return code !== PERMISSION_DENIED && OF_STATEMENTS.some((state) => String(code).startsWith(state));
}
