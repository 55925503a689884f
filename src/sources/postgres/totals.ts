import type { Client } from 'pg';

import { BOUND_LENGTH } from '../../columns/value-digest.js';
import { type ColumnTotals, type SeenAt, type SourceChange, type TableTotals } from '../column-totals.js';
import { fromClause } from '../row-set.js';
import type { ColumnDecoder, ReadColumn, SourceDataset } from '../source.js';
import { output, whereGiven } from './columns/expressions.js';
import type { Relation } from './catalog/relations.js';
import { postgresRows } from './rows/rows.js';
import type { ServerFacts } from './connection/server-facts.js';
import { unrepresentable } from './columns/unrepresentable-values.js';

/** Counts, bounds, sums and hashes of a table's columns, computed by the server. Functions instead of operators, which other schemas may shadow. */

/** What is computed of a column, in SQL. */
interface Totalled {
  /** Text that is a value's bytes in UTF-8, or an expression of type bytea. */
  readonly bytes: { readonly text: string } | { readonly bytea: string };
  /** Aggregates that give texts. */
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  readonly sum?: string | undefined;
}

/** Columns in one query: the server limits the length of a SELECT list. */
const MOST_COLUMNS = 200;

/** Reads the table once for each few hundred columns. */
export async function readTotals(
  client: Client,
  facts: ServerFacts,
  {
    table,
    columns,
    relation,
  }: {
    readonly table: SourceDataset;
    readonly columns: readonly ReadColumn[];
    readonly relation: Relation | undefined;
  },
): Promise<TableTotals> {
  const only = relation !== undefined && relation.kind === 'r' && !relation.hasMembers;
  const rows = postgresRows(table.dataset, { only });
  const totals: ColumnTotals[] = [];
  let count = 0;
  for (let at = 0; at === 0 || at < columns.length; at += MOST_COLUMNS) {
    const some = columns.slice(at, at + MOST_COLUMNS);
    const values = some.map(({ expression }, i) => `${expression} AS v${i}`);
    const aggregates = some.flatMap((column, i) => aggregatesOf(column, `v${i}`, facts));
    const list = ['pg_catalog.count(*)', ...aggregates].map((one) => `CAST(${one} AS pg_catalog.text)`);
    const { rows: answer } = await client.query<(string | null)[]>({
      text: `${rows.prefix}SELECT ${list.join(', ')} FROM (SELECT ${values.join(', ')} ${fromClause(rows)}) AS totalled`,
      rowMode: 'array',
    });
    const [all = '0', ...found] = answer[0] ?? [];
    count = Number(all);
    some.forEach((column, i) => {
      totals.push(totalsOf(column, { rows: count, found: found.slice(i * AGGREGATES, (i + 1) * AGGREGATES), facts }));
    });
  }
  return { rows: count, columns: totals };
}

const AGGREGATES = 6;

function aggregatesOf(column: ReadColumn, value: string, facts: ServerFacts): string[] {
  const none = 'CAST(NULL AS pg_catalog.text)';
  const lacks = cannotBe(column, value);
  const given = lacks === undefined ? value : `CASE WHEN ${lacks} THEN NULL ELSE ${value} END`;
  const totalled = totalledOf(column, { value, given, facts });
  const counts = [`pg_catalog.count(${value})`, `pg_catalog.count(${given})`];
  if (totalled === undefined) return [...counts, none, none, none, none];
  const { bytes, min = none, max = none, sum = none } = totalled;
  const bytea = 'bytea' in bytes ? bytes.bytea : `pg_catalog.convert_to(${bytes.text}, 'UTF8')`;
  return [...counts, `pg_catalog.sum(${hashOf(bytea)})`, min, max, sum];
}

/** Elements that a list cannot hold are NULLs in it. */
function cannotBe(column: ReadColumn, value: string): string | undefined {
  return column.decoder.kind === 'array' ? isNoList(value) : unrepresentable(column, value);
}

function isNoList(array: string): string {
  return `pg_catalog.array_upper(${array}, 2) IS NOT NULL`;
}

function totalsOf(
  column: ReadColumn,
  {
    rows,
    found,
    facts,
  }: { readonly rows: number; readonly found: readonly (string | null)[]; readonly facts: ServerFacts },
): ColumnTotals {
  const [own, held, hash = '0', min, max, sum] = found.map((text) => text ?? undefined);
  const kind = column.decoder.kind === 'array' ? String(column.decoder['element']) : column.decoder.kind;
  const isHashed = totalledOf(column, { value: '', given: '', facts }) !== undefined;
  return {
    nulls: rows - Number(held),
    ownNulls: rows - Number(own),
    tellsUnrepresentable: kind !== 'checkedText' && kind !== 'encodedText',
    // The sum of nothing is NULL.
    hash: isHashed ? BigInt.asUintN(64, BigInt(hash)) : undefined,
    ...{ min, max, sum },
  };
}

/** The first 64 bits of the SHA-256 of bytes, as a signed number. */
function hashOf(bytea: string): string {
  return int64(`pg_catalog.substr(pg_catalog.sha256(${bytea}), 1, 8)`);
}

/** Eight bytes, big-endian. */
function int64(bytea: string): string {
  return `CAST(CAST(pg_catalog.textcat('x', pg_catalog.encode(${bytea}, 'hex')) AS pg_catalog.bit(64)) AS pg_catalog.int8)`;
}

interface Value {
  /** Of the column's own type. */
  readonly value: string;
  /** The same, NULL where the Parquet type cannot hold it. */
  readonly given: string;
  readonly facts: ServerFacts;
}

function totalledOf({ decoder, spec }: ReadColumn, { value, given, facts }: Value): Totalled | undefined {
  if (decoder.kind === 'array') {
    const { element: kind, ...rest } = decoder;
    const element = totalledScalar(
      { ...rest, kind: String(kind) },
      { ...spec, value: 'u.e', given: elementGiven(decoder, spec), facts },
    );
    if (element === undefined) return undefined;
    const bytea =
      'bytea' in element.bytes ? element.bytes.bytea : `pg_catalog.convert_to(${element.bytes.text}, 'UTF8')`;
    const hash = `COALESCE(CAST(${hashOf(bytea)} AS pg_catalog.text), 'N')`;
    const elements = `(SELECT COALESCE(pg_catalog.string_agg(${hash}, ',' ORDER BY u.n), '') FROM pg_catalog.unnest(${value}) WITH ORDINALITY AS u (e, n))`;
    return { bytes: { text: `CASE WHEN ${value} IS NULL OR ${isNoList(value)} THEN NULL ELSE ${elements} END` } };
  }
  return totalledScalar(decoder, { ...spec, value, given, facts });
}

/** An element, NULL where its type cannot hold it. */
function elementGiven(decoder: ColumnDecoder, spec: ReadColumn['spec']): string {
  const scalar = { decoder: { ...decoder, kind: String(decoder['element']) }, spec, expression: '' };
  const lacks = unrepresentable(scalar, 'u.e');
  return lacks === undefined ? 'u.e' : `CASE WHEN ${lacks} THEN NULL ELSE u.e END`;
}

function totalledScalar(
  { kind, scale }: ColumnDecoder,
  { given, sourceType, type, facts }: Value & Pick<ReadColumn['spec'], 'sourceType' | 'type'>,
): Totalled | undefined {
  switch (kind) {
    case 'bool':
      return integer(`CAST(${given} AS pg_catalog.int4)`);
    case 'int2':
    case 'int4':
    case 'int8':
      return integer(given);
    case 'oid':
      return integer(`CAST(${given} AS pg_catalog.int8)`);
    case 'numeric':
    case 'money': {
      const number = kind === 'money' ? `CAST(${given} AS pg_catalog.numeric)` : given;
      // Prints every digit of the scale.
      const digits = (value: string) => `pg_catalog.round(${value}, ${Number(scale)})`;
      return {
        bytes: { text: `CAST(${digits(number)} AS pg_catalog.text)` },
        min: digits(`pg_catalog.min(${number})`),
        max: digits(`pg_catalog.max(${number})`),
        sum: digits(`pg_catalog.sum(${number})`),
      };
    }
    case 'date':
      return moment(given, (value) => `pg_catalog.date_mi(${value}, '1970-01-01')`);
    case 'time':
      return moment(given, (value) => int64(`pg_catalog.time_send(${value})`));
    case 'timestamp':
      return moment(given, (value) => micros(value, type));
    case 'timestampNanos':
      return moment(given, (value) => `pg_catalog.int8mul(${micros(value, type)}, 1000)`);
    case 'float4':
    case 'float8': {
      const bits = kind === 'float4' ? '\\x7fc00000' : '\\x7ff8000000000000';
      const isNumber = `pg_catalog.${kind}ne(${given}, 'NaN')`;
      const bound = (side: string) => `pg_catalog.${side}(${given}) FILTER (WHERE ${isNumber})`;
      return {
        bytes: {
          bytea: `CASE WHEN ${isNumber} THEN pg_catalog.${kind}send(${given}) WHEN ${given} IS NOT NULL THEN CAST('${bits}' AS pg_catalog.bytea) END`,
        },
        ...{ min: bound('min'), max: bound('max') },
      };
    }
    case 'text':
    case 'json':
    case 'jsonb':
    case 'checkedText':
    case 'uuidText':
    case 'timeText':
      return texts(textOf(given, sourceType), facts);
    case 'jsonArray': {
      const text = `CAST(${given} AS pg_catalog.text)`;
      return texts(
        `CASE WHEN pg_catalog.starts_with(${text}, ' ') THEN pg_catalog.substr(${text}, 2) ELSE ${text} END`,
        facts,
      );
    }
    case 'bytea':
      // What extension types send is not what a cast to bytes gives.
      return isBytes(sourceType) ? hexBounds({ bytea: `CAST(${given} AS pg_catalog.bytea)` }) : undefined;
    case 'uuid':
      return hexBounds({ bytea: `pg_catalog.uuid_send(${given})` });
    case 'null':
      return { bytes: { text: 'CAST(NULL AS pg_catalog.text)' } };
    default:
      // Converted by the reader: doubles of numerics, texts of other encodings.
      return undefined;
  }
}

function integer(value: string): Totalled {
  return {
    bytes: { text: `CAST(${value} AS pg_catalog.text)` },
    ...{ min: `pg_catalog.min(${value})`, max: `pg_catalog.max(${value})`, sum: `pg_catalog.sum(${value})` },
  };
}

function moment(value: string, number: (value: string) => string): Totalled {
  return {
    bytes: { text: `CAST(${number(value)} AS pg_catalog.text)` },
    ...{ min: number(`pg_catalog.min(${value})`), max: number(`pg_catalog.max(${value})`) },
  };
}

/** Microseconds since 1970: the server counts them from 2000. */
function micros(value: string, { logical }: ReadColumn['spec']['type']): string {
  const send = logical?.kind === 'timestamp' && logical.utc ? 'timestamptz_send' : 'timestamp_send';
  return `pg_catalog.int8pl(${int64(`pg_catalog.${send}(${value})`)}, 946684800000000)`;
}

/** A cast would cut off the blanks of `char(n)`. */
function textOf(value: string, sourceType: string): string {
  if (/^(?:text|character varying(?:\(\d+\))?)$/.test(sourceType)) return `CAST(${value} AS pg_catalog.text)`;
  return whereGiven(value, output(value));
}

function texts(text: string, { encoding }: ServerFacts): Totalled {
  // In another encoding, the order of the bytes is another one.
  if (encoding !== 'UTF8') return { bytes: { text } };
  const bound = (side: string) =>
    `pg_catalog.left(pg_catalog.${side}(${text} COLLATE pg_catalog."C"), ${BOUND_LENGTH})`;
  return { bytes: { text }, min: bound('min'), max: bound('max') };
}

/** The order of hexadecimal digits is that of the bytes. */
function hexBounds(bytes: { readonly bytea: string }): Totalled {
  const hex = `pg_catalog.encode(pg_catalog.substr(${bytes.bytea}, 1, ${BOUND_LENGTH}), 'hex') COLLATE pg_catalog."C"`;
  return { bytes, min: `pg_catalog.min(${hex})`, max: `pg_catalog.max(${hex})` };
}

function isBytes(sourceType: string): boolean {
  return !/^(?:.*\.)?"?(?:geometry|geography)\b/.test(sourceType);
}

/** Whether rows of the table were written after the snapshot, by the transactions that wrote those that are there now. */
export async function readChange(
  client: Client,
  { table, seen }: { readonly table: SourceDataset; readonly seen: SeenAt },
): Promise<SourceChange> {
  const unknown = (reason: string): SourceChange => ({ kind: 'unknown', reason });
  const [, end, running = ''] = /^\d+:(\d+):([\d,]*)$/.exec(seen.snapshot ?? '') ?? [];
  if (
    table.dataset.kind === 'query' ||
    table.kind === 'view' ||
    table.kind === 'materialized view' ||
    table.kind === 'foreign table'
  ) {
    return unknown(
      `PostgreSQL does not tell when rows of a ${table.dataset.kind === 'query' ? 'query' : table.kind} were written`,
    );
  }
  if (end === undefined) return unknown('the export has recorded no snapshot');
  const rows = postgresRows({ kind: 'table', id: table.id });
  const now = 'pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())';
  const transaction = `pg_catalog.int8mi(${now}, pg_catalog.age(xmin))`;
  const isRunning = running === '' ? 'false' : `${transaction} IN (${running})`;
  const { rows: answer } = await client.query<[string, boolean]>({
    text: `SELECT CAST(pg_catalog.count(*) FILTER (WHERE pg_catalog.int8ge(${transaction}, ${end}) OR ${isRunning}) AS pg_catalog.text),
      pg_catalog.int8lt(${now}, ${end}) ${fromClause(rows)}`,
    rowMode: 'array',
  });
  const [written = '0', isOther = false] = answer[0] ?? [];
  if (isOther) return unknown('the snapshot of the export is not one of this server');
  if (written !== '0')
    return { kind: 'changed', evidence: `${written} of its rows were written after the export's snapshot` };
  return {
    kind: 'unchanged',
    evidence: "none of its rows was written after the export's snapshot; rows may have been deleted",
  };
}
