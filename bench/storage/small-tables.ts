import pg from 'pg';

/** Schema of the many small tables. */
export const SMALL_TABLES = 'small_tables';

const ROWS = 10;

/** Creates this number of tables with a few rows each, or keeps existing ones. */
export async function ensureSmallTables(url: string, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM pg_catalog.pg_tables WHERE schemaname = $1',
      [SMALL_TABLES],
    );
    if (rows[0]?.n === count) return;
    await client.query(`DROP SCHEMA IF EXISTS ${SMALL_TABLES} CASCADE`);
    await client.query(`CREATE SCHEMA ${SMALL_TABLES}`);
    for (let index = 0; index < count; index++) {
      await client.query(
        `CREATE TABLE ${SMALL_TABLES}.t_${index} AS SELECT i AS id, 'row ' || i AS name FROM generate_series(1, ${ROWS}) i`,
      );
    }
    await client.query('ANALYZE');
  } finally {
    await client.end();
  }
}
