import type { Place } from '../../storage/storage.js';
import type { ValueKind } from '../../columns/value-kind.js';

/**
 * The type that a kind of value has in a dialect, with `{p}` and `{s}` for precision and scale. With a second item, a
 * sentence for users about what it does not keep; without a type, the column is left out, and the sentence says why.
 */
type TypeRule = string | readonly [sql: string | undefined, note: string];

export type TypeRules = Readonly<Record<ValueKind, TypeRule>>;

/** A system's SQL: what it takes to make a table's files queryable there. */
export interface Dialect {
  /** The system's name. */
  readonly title: string;
  readonly types: TypeRules;
  /** The type of a list; undefined for none. */
  readonly list: (element: string) => TypeRule;
  /** Whether two columns whose names differ by case only are the same to it. */
  readonly foldsCase: boolean;
  readonly names: NameRules;
  /** The place as the system takes it; undefined if it cannot read from there. */
  readonly location: (place: Place) => string | undefined;
  /** What it can read from, for messages. */
  readonly reads: string;
  /** Statements, each with its semicolon. */
  readonly write: (table: MappedTable) => readonly string[];
}

/** Lengths are in bytes of UTF-8. */
export interface NameRules {
  /** Of tables and schemas: names with other characters get others. */
  readonly tables: NameRule;
  /** Columns with other names are left out, since they are found by their names. */
  readonly columns: NameRule;
}

interface NameRule {
  readonly longest: number;
  /** Undefined for anything. */
  readonly characters?: RegExp | undefined;
}

/** A table in a dialect's terms. Names are not quoted yet. */
export interface MappedTable {
  /** Empty for none. */
  readonly schema: string;
  readonly name: string;
  readonly comment: string | undefined;
  /** Of the files. */
  readonly columns: readonly MappedColumn[];
  /** Levels of Hive-style directories below the location, in order. */
  readonly partitions: readonly MappedColumn[];
  /** Those of the files; without levels, there are none. */
  readonly directories: readonly MappedDirectory[];
  /** What `Dialect.location` returns. */
  readonly location: string;
  readonly place: Place;
}

export interface MappedDirectory {
  /** Relative to the location. */
  readonly path: string;
  /** By level, null for NULL. */
  readonly values: readonly (string | null)[];
}

export interface MappedColumn {
  readonly name: string;
  readonly type: string;
  readonly kind: ValueKind;
  readonly nullable: boolean;
  readonly isList: boolean;
  readonly comment: string | undefined;
}
