/** The systems that statements of `--generate-ddl` are for. */
export const DDL_DIALECTS = [
  'duckdb',
  'spark',
  'trino',
  'athena',
  'snowflake',
  'bigquery',
  'redshift',
  'databricks',
  'clickhouse',
  'fabric',
] as const;

export type DdlDialect = (typeof DDL_DIALECTS)[number];
