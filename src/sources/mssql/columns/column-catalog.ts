import type { TableId } from '../../../model/table.js';
import type { CatalogTable } from '../catalog.js';
import type { MssqlClient, QueryValue } from '../connection/client.js';
import { nameText } from '../identifiers.js';
import { firstAnswer } from '../connection/server.js';

/** A column as the catalog describes it. */
export interface Attribute {
  readonly name: string;
  readonly number: number;
  /** In lower case; the base type of an alias type. */
  readonly type: string;
  /** Name of an alias or CLR type, with its schema. */
  readonly userType: string | undefined;
  readonly isAssembly: boolean;
  /** In bytes; -1 for (max). */
  readonly maxLength: number;
  readonly precision: number;
  readonly scale: number;
  readonly nullable: boolean;
  /** Under Always Encrypted: values arrive encrypted. */
  readonly isEncrypted?: boolean;
}

/** Number of tables per catalog query. */
const BATCH = 500;

/** Columns of each table, in the order of the tables; empty for a table that no longer exists. */
export async function readAttributes(client: MssqlClient, tables: readonly CatalogTable[]): Promise<Attribute[][]> {
  const known = tables.filter(({ objectId }) => objectId !== undefined);
  const byStandard = () => readByStandard(client, tables);
  if (known.length < tables.length) return byStandard();
  return firstAnswer([() => readColumns(client, tables), byStandard]);
}

async function readColumns(client: MssqlClient, tables: readonly CatalogTable[]): Promise<Attribute[][]> {
  const byTable = new Map<number, Attribute[]>();
  for (let at = 0; at < tables.length; at += BATCH) {
    const ids = tables.slice(at, at + BATCH).map(({ objectId }) => objectId);
    const encrypted = await readEncrypted(client, ids.join(', '));
    // A column set repeats the sparse columns. Hidden columns are either the period columns of temporal tables, which
    // belong to the user, or internal columns of graph tables, which cannot be selected.
    const rows = await client.query(`
      SELECT c.object_id, ${nameText('c.name')}, c.column_id, LOWER(TYPE_NAME(c.system_type_id)), ${nameText('t.name')},
             ${nameText('SCHEMA_NAME(t.schema_id)')}, t.is_user_defined, t.is_assembly_type, c.max_length, c.precision, c.scale, c.is_nullable
      FROM sys.columns AS c
      LEFT JOIN sys.types AS t ON t.user_type_id = c.user_type_id
      WHERE c.object_id IN (${ids.join(', ')})
        AND COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'IsColumnSet'), 0) = 0
        AND (COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'IsHidden'), 0) = 0
          OR COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'GeneratedAlwaysType'), 0) <> 0)
      ORDER BY c.object_id, c.column_id`);
    for (const row of rows) {
      const id = Number(row[0]);
      const attributes = byTable.get(id) ?? [];
      const isEncrypted = encrypted.has(`${id}.${Number(row[2])}`);
      attributes.push({ ...attributeOf(row), ...(isEncrypted && { isEncrypted }) });
      byTable.set(id, attributes);
    }
  }
  return tables.map(({ objectId }) => byTable.get(objectId ?? 0) ?? []);
}

/** Columns under Always Encrypted, as `table.column`; none before SQL Server 2016, which introduced it. */
async function readEncrypted(client: MssqlClient, ids: string): Promise<ReadonlySet<string>> {
  const rows = await firstAnswer([
    () =>
      client.query(`
        SELECT object_id, column_id FROM sys.columns
        WHERE encryption_type IS NOT NULL AND object_id IN (${ids})`),
    () => Promise.resolve([]),
  ]);
  return new Set(rows.map(([table, column]) => `${Number(table)}.${Number(column)}`));
}

function attributeOf(row: readonly QueryValue[]): Attribute {
  const [, name, number, base, type, schema, isUserDefined, assembly, maxLength, precision, scale, nullable] = row;
  const isAssembly = Boolean(assembly);
  const typeName = String(type ?? base).toLowerCase();
  return {
    name: String(name),
    number: Number(number),
    // All CLR types share one type id, hierarchyid, geometry and geography included.
    type: isAssembly || base === null ? typeName : String(base),
    userType: isUserDefined ? `${String(schema)}.${String(type)}` : undefined,
    isAssembly,
    maxLength: Number(maxLength),
    precision: Number(precision),
    scale: Number(scale),
    nullable: Boolean(nullable),
  };
}

/** From INFORMATION_SCHEMA, which shows alias types as their base types. */
async function readByStandard(client: MssqlClient, tables: readonly CatalogTable[]): Promise<Attribute[][]> {
  const rows = await client.query(`
    SELECT ${nameText('TABLE_SCHEMA')}, ${nameText('TABLE_NAME')}, ${nameText('COLUMN_NAME')}, ORDINAL_POSITION, LOWER(DATA_TYPE), CHARACTER_OCTET_LENGTH,
           COALESCE(NUMERIC_PRECISION, 0), COALESCE(NUMERIC_SCALE, DATETIME_PRECISION, 0), IS_NULLABLE
    FROM INFORMATION_SCHEMA.COLUMNS
    ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`);
  const byTable = new Map<string, Attribute[]>();
  for (const [schema, table, name, number, type, octets, precision, scale, nullable] of rows) {
    const key = keyOf({ schema: String(schema), name: String(table) });
    const attributes = byTable.get(key) ?? [];
    attributes.push({
      name: String(name),
      number: Number(number),
      type: String(type),
      userType: undefined,
      isAssembly: false,
      maxLength: Number(octets ?? 0),
      precision: Number(precision),
      scale: Number(scale),
      nullable: nullable !== 'NO',
    });
    byTable.set(key, attributes);
  }
  // Some servers preserve the case of names in one catalog and not in the other.
  const folded = new Map([...byTable].map(([key, attributes]) => [key.toLowerCase(), attributes]));
  return tables.map(({ id }) => byTable.get(keyOf(id)) ?? folded.get(keyOf(id).toLowerCase()) ?? []);
}

function keyOf({ schema, name }: TableId): string {
  return JSON.stringify([schema, name]);
}
