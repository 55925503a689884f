import { wholeTable } from '../../model/dataset.js';
import type { TableKind } from '../../model/table.js';
import type { OtherRelation, SourceTable } from '../source.js';
import type { MssqlClient, QueryValue } from './connection/client.js';
import { readEstimates } from './rows/estimates.js';
import { errorNumber } from './errors.js';
import { nameText } from './identifiers.js';
import { firstAnswer } from './connection/server.js';

/** A table as the catalog lists it, with the other facts that planning needs. */
export interface CatalogTable extends SourceTable {
  /** Undefined if the catalog is INFORMATION_SCHEMA, which only knows names. */
  readonly objectId: number | undefined;
}

interface ListedTable {
  readonly schema: string;
  readonly name: string;
  readonly isView: boolean;
  readonly objectId: number | undefined;
}

/** User tables by schema and name, without those of the system or of Microsoft's tools. */
export async function listTables(client: MssqlClient): Promise<CatalogTable[]> {
  const tables = await firstAnswer([() => listObjects(client), () => listByStandard(client)]);
  const estimates = await readEstimates(client);
  return tables
    .map(({ schema, name, isView, objectId }) => {
      const estimate = objectId === undefined ? undefined : estimates.get(objectId);
      const kind: TableKind = isView ? 'view' : (estimate?.partitions ?? 1) > 1 ? 'partitioned table' : 'table';
      return {
        dataset: wholeTable({ schema, name }),
        id: { schema, name },
        kind,
        estimatedRows: isView ? undefined : estimate?.rows,
        estimatedBytes: isView ? undefined : estimate?.bytes,
        ...(isView && { optIns: ['views' as const] }),
        objectId,
      };
    })
    .sort((a, b) => compare(a.id.schema, b.id.schema) || compare(a.id.name, b.id.name));
}

async function listObjects(client: MssqlClient): Promise<ListedTable[]> {
  const rows = await client.query(`
    SELECT ${nameText('s.name')}, ${nameText('o.name')}, RTRIM(o.type), o.object_id
    FROM sys.objects AS o
    JOIN sys.schemas AS s ON s.schema_id = o.schema_id
    WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0`);
  const tools = await listToolTables(client);
  return rows
    .map(([schema, name, type, objectId]) => ({
      schema: String(schema),
      name: String(name),
      isView: type === 'V',
      objectId: Number(objectId),
    }))
    .filter(({ objectId }) => !tools.has(objectId));
}

/** By `sys.objects.type`. */
const OTHERS: Readonly<Record<string, string>> = {
  SN: 'a synonym, and synonyms are not exported: include its target',
  ET: "an external table, whose rows are not the database's: export a view of it (with --include-views)",
  SO: 'a sequence, and sequences are not exported',
  IF: 'a function, which only has rows when it is called: export a view that calls it (with --include-views)',
  TF: 'a function, which only has rows when it is called: export a view that calls it (with --include-views)',
};

/** Other objects that share the tables' namespace. Empty if the server does not list them. */
export async function listOthers(client: MssqlClient): Promise<OtherRelation[]> {
  const types = Object.keys(OTHERS).map((type) => `'${type}'`);
  const rows = await unlessRefused(
    client,
    `
    SELECT ${nameText('s.name')}, ${nameText('o.name')}, RTRIM(o.type), o.object_id
    FROM sys.objects AS o
    JOIN sys.schemas AS s ON s.schema_id = o.schema_id
    WHERE o.type IN (${types.join(', ')}) OR (o.type IN ('U', 'V') AND o.is_ms_shipped = 1)`,
  );
  const synonyms = await unlessRefused(
    client,
    `SELECT object_id, CONVERT(nvarchar(1035), base_object_name) FROM sys.synonyms`,
  );
  const bases = new Map(synonyms.map(([objectId, base]) => [Number(objectId), base]));
  return rows.map(([schema, name, type, objectId]) => {
    const base = bases.get(Number(objectId));
    return {
      id: { schema: String(schema), name: String(name) },
      what:
        typeof base === 'string'
          ? `a synonym of ${base}, and synonyms are not exported: include its target`
          : (OTHERS[String(type)] ?? "one of the server's own tables, which are not exported"),
    };
  });
}

/** `sysdiagrams` and similar tables that Management Studio creates in the user's database. */
async function listToolTables(client: MssqlClient): Promise<Set<number>> {
  const rows = await unlessRefused(
    client,
    `
    SELECT major_id FROM sys.extended_properties
    WHERE class = 1 AND minor_id = 0 AND name = N'microsoft_database_tools_support'`,
  );
  return new Set(rows.map(([id]) => Number(id)));
}

/** Rows of a view that some servers lack. */
async function unlessRefused(client: MssqlClient, sql: string): Promise<QueryValue[][]> {
  try {
    return await client.query(sql);
  } catch (error) {
    if (errorNumber(error) === undefined) throw error;
    return [];
  }
}

async function listByStandard(client: MssqlClient): Promise<ListedTable[]> {
  const rows = await client.query(`
    SELECT ${nameText('TABLE_SCHEMA')}, ${nameText('TABLE_NAME')}, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES
    WHERE TABLE_TYPE IN ('BASE TABLE', 'VIEW') AND TABLE_SCHEMA NOT IN ('sys', 'INFORMATION_SCHEMA')`);
  return rows.map(([schema, name, type]: readonly QueryValue[]) => ({
    schema: String(schema),
    name: String(name),
    isView: type === 'VIEW',
    objectId: undefined,
  }));
}

/** An order that does not depend on the database's collation. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
