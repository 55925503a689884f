import type { Client } from 'pg';
import { LakeportError } from '../../../errors.js';
import { type TableId, tableName } from '../../../model/table.js';
import { ALL_COLUMNS, type ColumnChoice } from '../../column-choice.js';
import type { ColumnTreatment } from '../../column-treatment.js';
import type { DescribedDataset, DescribeOptions, ReadColumn } from '../../source.js';
import { decodeText, nameNotReadable, readText, selectText } from '../catalog/catalog-text.js';
import { memberTables } from '../catalog/leaf-relations.js';
import { columnsDenied, type Relation, tableDenied } from '../catalog/relations.js';
import type { ResultField } from '../catalog/statement-description.js';
import type { ServerFacts } from '../connection/server-facts.js';
import { TypeCatalog } from './type-catalog.js';
import { readOf } from './treated-columns.js';
import type { MappingOptions } from './types.js';

interface AttributeRow extends DescribedColumn {
  readonly relation: number;
  readonly readable: boolean;
  /** False if the name has invalid bytes. */
  readonly hasReadableName: boolean;
}

/** A table to describe, found in the catalog by its name. */
export interface DescribedTable extends Relation {
  readonly id: TableId;
}

export interface ColumnOptions extends DescribeOptions {
  readonly sourceEncoding?: string | undefined;
  readonly columnChoice?: ColumnChoice | undefined;
}

/** Tables per query: the answers of a very large schema would be hundreds of megabytes. */
const BATCH = 2000;

/**
 * Columns of each table, in the order of the tables, or the error that makes a table unreadable. Takes one or two
 * queries for each `BATCH` of tables.
 */
export async function describeColumns(
  client: Client,
  server: ServerFacts,
  tables: readonly DescribedTable[],
  options: ColumnOptions,
): Promise<(DescribedDataset | LakeportError)[]> {
  const described: (DescribedDataset | LakeportError)[] = [];
  const mapping = { ...options, ...server };
  const known = new KnownColumns();
  let types = new TypeCatalog([]);
  for (let start = 0; start < tables.length; start += BATCH) {
    const some = tables.slice(start, start + BATCH);
    const attributes = await readAttributes(client, server, some);
    const used = attributes.map(({ type }) => type);
    types = await TypeCatalog.read(client, server, used, types);
    const byRelation = groupedByRelation(attributes);
    for (const { id, oid } of some) {
      try {
        described.push(describeTable(id, byRelation.get(oid) ?? [], { types, known, ...mapping }));
      } catch (error) {
        described.push(LakeportError.from(error).within({ table: tableName(id) }));
      }
    }
  }
  return described;
}

function groupedByRelation(attributes: readonly AttributeRow[]): ReadonlyMap<number, readonly AttributeRow[]> {
  const byRelation = new Map<number, AttributeRow[]>();
  for (const attribute of attributes) {
    const known = byRelation.get(attribute.relation);
    if (known) known.push(attribute);
    else byRelation.set(attribute.relation, [attribute]);
  }
  return byRelation;
}

function describeTable(
  id: TableId,
  attributes: readonly AttributeRow[],
  options: ColumnOptions & MappingOptions & { readonly types: TypeCatalog; readonly known: KnownColumns },
): DescribedDataset {
  if (attributes.length === 0) throw noColumns();
  if (attributes.every(({ readable }) => !readable)) throw tableDenied(id);
  const { columnChoice = ALL_COLUMNS } = options;
  const taken = columnChoice.take(
    id,
    attributes.map(({ name }) => name),
  );
  const wanted = attributes.filter(({ name }) => taken.has(name));
  const readable = wanted.filter((attribute) => attribute.readable);
  const denied = wanted.filter((attribute) => !attribute.readable).map(({ name }) => name);
  if (denied.length > 0 && (readable.length === 0 || !columnChoice.skipsUnreadable)) throw columnsDenied(id, denied);
  const unnamed = wanted.find(({ hasReadableName }) => !hasReadableName);
  if (unnamed !== undefined) throw nameNotReadable(tableName(id), unnamed.name);
  const { types, known, treatments } = options;
  const columns = readable.map((attribute) => {
    const treatment = treatments?.of(id, attribute.name);
    const read = () => readColumn(attribute, treatment, types, options);
    return treatment === undefined ? known.of(attribute, read) : read();
  });
  return { columns, ...(denied.length > 0 && { unreadable: denied }) };
}

/** A column of a table, or of a query's result. */
interface DescribedColumn {
  readonly name: string;
  /** Its ordinal. */
  readonly number: number;
  readonly type: number;
  readonly modifier: number;
  readonly typeName: string;
  readonly required: boolean;
}

/** Columns that are the same in many tables, such as their keys, are kept once. */
class KnownColumns {
  readonly #columns = new Map<string, ReadColumn>();

  /** @param read makes a column that is not known yet, and has no treatment of its own */
  of({ name, number, type, modifier, required }: DescribedColumn, read: () => ReadColumn): ReadColumn {
    const key = `${type} ${modifier} ${number} ${String(required)} ${name}`;
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    const column = read();
    this.#columns.set(key, column);
    return column;
  }
}

function readColumn(
  column: DescribedColumn,
  treatment: ColumnTreatment | undefined,
  types: TypeCatalog,
  options: DescribeOptions & MappingOptions,
): ReadColumn {
  const resolved = types.resolve(column.type, column.modifier);
  const { name, number, typeName: sourceType, required } = column;
  const read = resolved && readOf({ name, sourceType, resolved, treatment }, types, options);
  if (!read) throw unreadableType(column);
  const { list, type, fidelity, decoder, expression, partial, mask } = read;
  const nullable = !required || read.isNull === true || (partial && options.onUnrepresentable === 'null');
  const { isTextByValues } = treatment ?? {};
  return {
    spec: {
      ...{ name, fieldId: number, nullable, list, type, sourceType, fidelity },
      ...(mask !== undefined && { mask }),
      ...(isTextByValues === true && { isTextByValues }),
    },
    expression,
    decoder,
  };
}

/** How the columns of a query's result are read; none of them is known to be free of NULL. Takes two queries. */
export async function describeFields(
  client: Client,
  server: ServerFacts,
  { id, fields }: { readonly id: TableId; readonly fields: readonly ResultField[] },
  options: ColumnOptions,
): Promise<DescribedDataset> {
  const { columnChoice = ALL_COLUMNS } = options;
  const taken = columnChoice.take(
    id,
    fields.map(({ name }) => name),
  );
  const numbered = fields
    .map((field, index) => ({ ...field, number: index + 1 }))
    .filter(({ name }) => taken.has(name));
  const types = await TypeCatalog.read(
    client,
    server,
    numbered.map(({ type }) => type),
  );
  const { rows } = await client.query<{ readonly typeName: string }>(
    `SELECT ${selectText('pg_catalog.format_type(f.type, f.modifier)', server)} AS "typeName"
     FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int4[]))
       WITH ORDINALITY AS f (type, modifier, position)
     ORDER BY f.position`,
    [numbered.map(({ type }) => type), numbered.map(({ modifier }) => modifier)],
  );
  const columns = numbered.map((field, index) => {
    const typeName = readText(rows[index]?.typeName ?? '', server);
    const treatment = options.treatments?.of(id, field.name);
    return readColumn({ ...field, typeName, required: false }, treatment, types, { ...options, ...server });
  });
  return { columns };
}

/**
 * A column is required if it can never be NULL: declared so in the table and in all of its members, and enforced by this
 * server. Declarations of foreign tables are not enforced, views have none, and since PostgreSQL 18 a constraint may be
 * NOT VALID.
 */
async function readAttributes(
  client: Client,
  server: ServerFacts,
  tables: readonly Relation[],
): Promise<AttributeRow[]> {
  const { rows } = await client.query<Omit<AttributeRow, 'hasReadableName'>>(
    // Each table's attributes by the index: of all attributes, most belong to other relations. OFFSET 0 keeps it so.
    `WITH RECURSIVE ${memberTables('SELECT pg_catalog.unnest($1::pg_catalog.oid[])', server)},
     doubtful AS MATERIALIZED (
       SELECT member.root, member.oid, c.relkind
       FROM member
       JOIN pg_catalog.pg_class AS c ON c.oid = member.oid
       WHERE member.root <> member.oid OR c.relkind = 'f' OR member.oid IN (
         SELECT n.conrelid FROM pg_catalog.pg_constraint AS n WHERE n.contype = 'n' AND NOT n.convalidated)
     ),
     loose AS (
       SELECT doubtful.root, a.attname
       FROM doubtful
       CROSS JOIN LATERAL (${attributesOf('doubtful.oid')}) AS a
       WHERE (doubtful.root <> doubtful.oid OR a.attnotnull)
         AND (NOT a.attnotnull OR doubtful.relkind = 'f' OR EXISTS (
           SELECT FROM pg_catalog.pg_constraint AS n
           WHERE n.conrelid = doubtful.oid AND n.contype = 'n' AND NOT n.convalidated AND n.conkey[1] = a.attnum))
     )
     SELECT a.attrelid AS relation, ${selectText('a.attname', server)} AS name, a.attnum::pg_catalog.int4 AS number,
            a.atttypid AS type, a.atttypmod AS modifier,
            ${selectText('pg_catalog.format_type(a.atttypid, a.atttypmod)', server)} AS "typeName",
            a.attnotnull AND (a.attrelid, a.attname) NOT IN (SELECT root, attname FROM loose) AS required,
            pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable
     FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS wanted (oid)
     CROSS JOIN LATERAL (${attributesOf('wanted.oid')}) AS a
     ORDER BY a.attrelid, a.attnum`,
    [tables.map(({ oid }) => oid)],
  );
  return rows.map((row) => {
    const { text: name, isWhole: hasReadableName } = decodeText(row.name, server);
    const { relation, number, type, modifier, required, readable } = row;
    const typeName = readText(row.typeName, server);
    return { relation, name, number, type, modifier, typeName, required, readable, hasReadableName };
  });
}

/** A query of a relation's columns. */
function attributesOf(oid: string): string {
  return `SELECT * FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = ${oid} AND a.attnum > 0 AND NOT a.attisdropped OFFSET 0`;
}

function noColumns(): LakeportError {
  return new LakeportError({
    code: 'TABLE_WITHOUT_COLUMNS',
    message: 'The table has no columns, so there is nothing to write',
    hint: 'Leave it out with --exclude',
  });
}

function unreadableType({ name, typeName }: DescribedColumn): LakeportError {
  return new LakeportError({
    code: 'TYPE_NOT_READABLE',
    message: `Values of type ${typeName} cannot be read`,
    hint: 'Change the column, or leave it out with --exclude-columns, or the table with --exclude',
    context: { column: name },
  });
}
