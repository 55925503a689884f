import type { TableId } from '../../../model/table.js';
import type { MssqlClient } from '../connection/client.js';
import { nameText } from '../identifiers.js';
import { firstAnswer } from '../connection/server.js';

/** The first column of an index, which can serve range queries. */
export interface IndexKey {
  readonly column: string;
  readonly isClustered: boolean;
  /** The column alone is unique. */
  readonly isUnique: boolean;
}

/** Ordered indexes of a table that cover all of its rows, the clustered one first. */
export async function readIndexKeys(client: MssqlClient, { schema, name }: TableId): Promise<IndexKey[]> {
  const rows = await firstAnswer([
    // Types 1 and 2: clustered and nonclustered; the others are not ordered.
    () =>
      client.query(
        `SELECT ${nameText('c.name')}, CASE i.type WHEN 1 THEN 1 ELSE 0 END,
                CASE WHEN i.is_unique = 1 AND NOT EXISTS (
                  SELECT 1 FROM sys.index_columns AS k
                  WHERE k.object_id = i.object_id AND k.index_id = i.index_id AND k.key_ordinal > 1
                ) THEN 1 ELSE 0 END
         FROM sys.indexes AS i
         JOIN sys.index_columns AS ic
           ON ic.object_id = i.object_id AND ic.index_id = i.index_id AND ic.key_ordinal = 1
         JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
         JOIN sys.objects AS o ON o.object_id = i.object_id
         JOIN sys.schemas AS s ON s.schema_id = o.schema_id
         WHERE s.name = @schema AND o.name = @table AND i.type IN (1, 2)
           AND i.is_disabled = 0 AND i.is_hypothetical = 0 AND i.has_filter = 0
         ORDER BY i.index_id`,
        { schema, table: name },
      ),
    () =>
      client.query(
        `SELECT ${nameText('MIN(k.COLUMN_NAME)')}, 0, 1
         FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS AS t
         JOIN INFORMATION_SCHEMA.KEY_COLUMN_USAGE AS k
           ON k.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND k.CONSTRAINT_NAME = t.CONSTRAINT_NAME
          AND k.TABLE_NAME = t.TABLE_NAME
         WHERE t.TABLE_SCHEMA = @schema AND t.TABLE_NAME = @table AND t.CONSTRAINT_TYPE IN ('PRIMARY KEY', 'UNIQUE')
         GROUP BY t.CONSTRAINT_NAME HAVING COUNT(*) = 1`,
        { schema, table: name },
      ),
    () => Promise.resolve([]),
  ]);
  return rows.map(([column, clustered, unique]) => ({
    column: String(column),
    isClustered: Number(clustered) === 1,
    isUnique: Number(unique) === 1,
  }));
}
