import { VERSION } from '../../version.js';
import type { Place } from '../../storage/storage.js';
import type { DdlDialect } from '../model/ddl-dialect.js';
import type { Dialect } from './dialect.js';
import { athena } from './dialects/athena.js';
import { bigquery } from './dialects/bigquery.js';
import { clickhouse } from './dialects/clickhouse.js';
import { databricks } from './dialects/databricks.js';
import { duckdb } from './dialects/duckdb.js';
import { fabric } from './dialects/fabric.js';
import { redshift } from './dialects/redshift.js';
import { snowflake } from './dialects/snowflake.js';
import { spark } from './dialects/spark.js';
import { trino } from './dialects/trino.js';
import { type DdlTable, mapTable } from './map-table.js';
import { commentLines } from './text.js';

/** The dialects, one line each. */
const DIALECTS: Readonly<Record<DdlDialect, Dialect>> = {
  ...{ duckdb, spark, trino, athena, snowflake, bigquery, redshift, databricks, clickhouse, fabric },
};

/** Why a dialect has no statements for what is in a place; undefined if it has. */
export function ddlObstacle(name: DdlDialect, place: Place): string | undefined {
  const { title, reads, location } = DIALECTS[name];
  return location(place) === undefined ? `${title} reads ${reads} only` : undefined;
}

/** The text of a file with the statements that make a table queryable; of comments only, where that is impossible. */
export function ddlText(table: DdlTable, name: DdlDialect): string {
  const dialect = DIALECTS[name];
  const mapping = mapTable(table, dialect);
  const shown = table.schema === '' ? table.name : `${table.schema}.${table.name}`;
  const head = [`${shown} for ${dialect.title}, by lakeport ${VERSION}`];
  if ('refusal' in mapping) {
    return `${[...head, `There is no statement for it: ${mapping.refusal}.`].map(commentLines).join('\n')}\n`;
  }
  const key = table.primaryKey === undefined ? [] : [`Primary key of the source: ${table.primaryKey.join(', ')}`];
  const lines = [...head, ...key, ...mapping.notes].map(commentLines);
  return `${[...lines, ...dialect.write(mapping.table)].join('\n')}\n`;
}
