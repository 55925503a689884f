import { createHash } from 'node:crypto';
import type { ColumnSpec, ParquetType } from '../../columns/column-spec.js';
import type { Place } from '../../storage/storage.js';
import type { Dialect, MappedColumn, MappedDirectory, MappedTable, NameRules } from './dialect.js';
import { valueKind } from '../../columns/value-kind.js';

/** A published table, whatever the dialect. */
export interface DdlTable {
  /** Empty for a query. */
  readonly schema: string;
  readonly name: string;
  readonly comment?: string | undefined;
  readonly primaryKey?: readonly string[] | undefined;
  /** Of the files. */
  readonly columns: readonly DdlColumn[];
  /** Levels of Hive-style directories. */
  readonly partitions: readonly DdlPartition[];
  /** Those of the files; without levels, there are none. */
  readonly directories: readonly MappedDirectory[];
  readonly place: Place;
}

interface DdlColumn {
  readonly spec: ColumnSpec;
  readonly comment?: string | undefined;
}

interface DdlPartition {
  readonly name: string;
  /** Of the column that the directories stand for; undefined for an expression. */
  readonly type?: ParquetType | undefined;
  readonly comment?: string | undefined;
}

/** The table as a dialect takes it, with what users have to know; or why there is no statement for it. */
export type Mapping = { readonly table: MappedTable; readonly notes: readonly string[] } | { readonly refusal: string };

export function mapTable(table: DdlTable, dialect: Dialect): Mapping {
  const { place } = table;
  const location = dialect.location(place);
  if (location === undefined) return { refusal: `${dialect.title} reads ${dialect.reads} only` };
  const names = [...table.columns.map(({ spec }) => spec.name), ...table.partitions.map(({ name }) => name)];
  const twin = dialect.foldsCase ? twinOf(names) : undefined;
  if (twin !== undefined) return { refusal: `two of its columns are ${twin} to ${dialect.title}, which ignores case` };
  const notes = new Set<string>();
  const columns = table.columns.flatMap((column) => mapColumn(column, dialect, notes));
  const partitions = table.partitions.flatMap((level, index) =>
    mapColumn({ ...level, spec: partitionSpec(level, valuesOf(table, index)) }, dialect, notes),
  );
  if (columns.length === 0)
    return { refusal: `${dialect.title} can read none of its columns. ${[...notes].join(' ')}` };
  if (partitions.length < table.partitions.length) return { refusal: [...notes].join(' ') };
  const [schema, name] = [table.schema, table.name].map((own) => fittingName(own, dialect.names));
  for (const [own, given] of [
    [table.schema, schema],
    [table.name, name],
  ]) {
    if (own !== given) notes.add(`${dialect.title} does not take the name ${own ?? ''}: it is ${given ?? ''} here.`);
  }
  return {
    table: {
      ...{ schema: schema ?? '', name: name ?? '', comment: table.comment, columns, partitions, location, place },
      directories: table.directories,
    },
    notes: [...notes],
  };
}

/** Left out, with a note, if the dialect has no type or no name for it. */
function mapColumn({ spec, comment }: DdlColumn, dialect: Dialect, notes: Set<string>): MappedColumn[] {
  const { name, type, list, nullable } = spec;
  const kind = valueKind(type);
  const shown = `Column ${name}${spec.sourceType === '' ? '' : ` (${spec.sourceType})`}`;
  const { longest, characters } = dialect.names.columns;
  if (Buffer.byteLength(name) > longest || characters?.test(name) === false) {
    notes.add(`${shown} is left out: ${dialect.title} does not take its name.`);
    return [];
  }
  const [element, elementNote] = ruleOf(dialect.types[kind]);
  const [sql, note] = list && element !== undefined ? ruleOf(dialect.list(element)) : [element, undefined];
  if (sql === undefined) {
    notes.add(`${shown} is left out: ${note ?? elementNote ?? ''}`);
    return [];
  }
  for (const text of [elementNote, note]) if (text !== undefined) notes.add(`${shown}: ${text}`);
  const { logical } = type;
  const [precision, scale] = logical?.kind === 'decimal' ? [logical.precision, logical.scale] : [0, 0];
  const whole = sql.replaceAll('{p}', String(precision)).replaceAll('{s}', String(scale));
  return [{ name, type: whole, kind, nullable, isList: list, comment }];
}

function ruleOf(rule: Dialect['types']['int8']): readonly [sql: string | undefined, note: string | undefined] {
  return typeof rule === 'string' ? [rule, undefined] : rule;
}

/** What `year(c)` and its like make directories of. */
const PERIOD = /^(?:year|month|day|week)(?:_key)*$/;

function partitionSpec({ name, type }: DdlPartition, values: readonly (string | null)[]): ColumnSpec {
  const isNumber = PERIOD.test(name) && values.every((value) => value === null || /^\d{1,9}$/.test(value));
  return {
    ...{ name, fieldId: 0, nullable: true, list: false, sourceType: '', fidelity: 'exact' },
    type: type ?? (isNumber ? { physical: 'INT32' } : { physical: 'BYTE_ARRAY', logical: { kind: 'string' } }),
  };
}

function valuesOf({ directories }: DdlTable, level: number): (string | null)[] {
  return directories.map(({ values }) => values[level] ?? null);
}

function twinOf(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => {
    const folded = name.toLowerCase();
    return seen.size === seen.add(folded).size;
  });
}

/** Another name ends in a hash of the own one, so that no two tables get the same. */
function fittingName(name: string, { tables }: NameRules): string {
  const { longest, characters } = tables;
  if (name === '' || (Buffer.byteLength(name) <= longest && characters?.test(name) !== false)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  const spelled = characters === undefined ? name : name.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_');
  let start = '';
  for (const character of spelled) {
    if (Buffer.byteLength(start + character) + hash.length + 1 > longest) break;
    start += character;
  }
  return `${start}_${hash}`;
}
