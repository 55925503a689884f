import { describe, expect, it } from 'vitest';

import type { PartitionColumnsRow } from '../../../../src/runlog/model/rows.js';
import { settingsOf } from '../../../../src/runlog/store/table-overrides.js';

const OF: { engine: string; database: string; envName: string | undefined } = {
  engine: 'postgres',
  database: 'tpch',
  envName: undefined,
};

const row = (changes: Partial<PartitionColumnsRow>): PartitionColumnsRow => ({
  source_db_type: 'postgres',
  source_database: 'tpch',
  source_schema: 'public',
  source_table: 'lineitem',
  fastbcp_method: 'Ctid',
  fastbcp_parallel_degree: 4,
  fastbcp_distribution_key: null,
  env_name: null,
  ...changes,
});

const tables = (rows: PartitionColumnsRow[], of = OF) => settingsOf(rows, of).map(({ table }) => table);

describe('settings for tables', () => {
  it('contain the fields that are filled in', () => {
    const filled = row({ fastbcp_method: 'DataDriven', fastbcp_distribution_key: 'YEAR(l_shipdate)' });
    const bare = row({ fastbcp_method: ' ', fastbcp_parallel_degree: null, fastbcp_distribution_key: '' });
    expect(settingsOf([filled, bare], OF)).toEqual([
      { schema: 'public', table: 'lineitem', method: 'DataDriven', degree: 4, key: 'YEAR(l_shipdate)' },
      { schema: 'public', table: 'lineitem', method: undefined, degree: undefined, key: undefined },
    ]);
  });

  it('apply to their environment only; without one, only rows that name none apply', () => {
    const rows = [
      row({ source_table: 'everywhere' }),
      row({ source_table: 'blank', env_name: '' }),
      row({ source_table: 'production', env_name: 'production' }),
    ];
    expect(tables(rows)).toEqual(['everywhere', 'blank']);
    expect(tables(rows, { ...OF, envName: 'production' })).toEqual(['production']);
    expect(tables(rows, { ...OF, envName: 'test' })).toEqual([]);
  });

  it('apply to their engine, by any of its usual names, and to their database', () => {
    const rows = [
      row({ source_table: 'same', source_db_type: 'PostgreSQL' }),
      row({ source_table: 'any', source_db_type: null, source_database: null }),
      row({ source_table: 'other engine', source_db_type: 'oracle' }),
      row({ source_table: 'other database', source_database: 'TPCH' }),
    ];
    expect(tables(rows)).toEqual(['same', 'any']);
  });

  it('come first if they name the schema', () => {
    const rows = [row({ source_schema: null, fastbcp_method: 'None' }), row({ fastbcp_method: 'Ctid' })];
    expect(settingsOf(rows, OF).map(({ method }) => method)).toEqual(['Ctid', 'None']);
  });
});
