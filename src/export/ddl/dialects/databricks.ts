import type { Dialect } from '../dialect.js';
import { abfssUrl, gcsUrl, s3Url } from '../places.js';
import { PLAIN_NAME, SPARK_TYPES, sparkStatements } from './spark.js';

/** External tables: https://docs.databricks.com/en/sql/language-manual/sql-ref-syntax-ddl-create-table-using.html */
export const databricks: Dialect = {
  title: 'Databricks',
  types: SPARK_TYPES,
  list: (element) => `ARRAY<${element}>`,
  foldsCase: true,
  names: { tables: { longest: 255, characters: PLAIN_NAME }, columns: { longest: 255 } },
  location: (place) => s3Url(place) ?? gcsUrl(place) ?? abfssUrl(place),
  reads: 'S3, Google Cloud Storage and Azure',
  write: sparkStatements,
};
