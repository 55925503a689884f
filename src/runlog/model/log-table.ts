import type { ColumnTypes } from '../../sources/run-log-dialect.js';

/** A value as the program writes it and reads it back. */
export type StoredValue = string | number | Date | null;

/** All there is to know of one column. */
export interface Column {
  /** In the terms of each dialect. Of numbers and times, also how the value is read back. */
  readonly type: keyof ColumnTypes;
  /** NULL is allowed, and is the value in a new row. */
  readonly nullable?: true;
  /** The value in a new row. A column that has none and is not nullable must be given. */
  readonly initial?: string | number;
  /** Describes one attempt: set to its initial value when the row's work starts over. */
  readonly ofAttempt?: true;
  /** What the text can be. */
  readonly values?: readonly string[];
  /** Written and renewed by the database, by its own clock. */
  readonly byDatabase?: true;
  /** The field's name in a record, as reports and a resume read it. Without one, the record leaves the column out. */
  readonly field?: string;
  /** Makes the field's value, where it is another than the stored one: of JSON, what it contains. */
  readonly parse?: (stored: never) => unknown;
}

/** Columns by name; `Events` are the moments of a run that give columns their values, and what they know. */
export type Columns<Events = unknown> = Readonly<
  Record<string, Column & { readonly [Event in keyof Events]?: (source: Events[Event]) => StoredValue }>
>;

type Scalar<Described> = Described extends { readonly values: readonly (infer Value)[] }
  ? Value
  : Described extends { readonly type: 'time' }
    ? Date
    : Described extends { readonly type: 'integer' | 'bigint' }
      ? number
      : string;

type IsNullable<Described> = Described extends { readonly nullable: true } ? true : false;

type Value<Described> = IsNullable<Described> extends true ? Scalar<Described> | null : Scalar<Described>;

type Field<Described> = Described extends { readonly parse: (stored: never) => infer Parsed }
  ? Parsed
  : IsNullable<Described> extends true
    ? Scalar<Described> | undefined
    : Scalar<Described>;

/** A row as the database has it. */
export type StoredRow<Described> = { readonly [Name in keyof Described]: Value<Described[Name]> };

/** A row as the program writes it: without what the database adds. */
export type Row<Described> = {
  readonly [Name in keyof Described as Described[Name] extends { readonly byDatabase: true } ? never : Name]: Value<
    Described[Name]
  >;
};

/** The row as the rest of the program reads it: its own names, JSON parsed, `undefined` for NULL. */
export type RecordOf<Described> = {
  readonly [
    Name in keyof Described as Described[Name] extends { readonly field: infer Named extends string } ? Named : never
  ]: Field<Described[Name]>;
};

/** Names of the columns that a new row must be given. */
type Required<Described> = {
  [Name in keyof Described]: Described[Name] extends
    { readonly nullable: true } | { readonly initial: unknown } | { readonly byDatabase: true }
    ? never
    : Name;
}[keyof Described];

type EventValues<Described, Event extends string> = {
  readonly [
    Name in keyof Described as Described[Name] extends Readonly<Record<Event, unknown>> ? Name : never
  ]: Described[Name] extends Readonly<Record<Event, (source: never) => infer Stored>> ? Stored : never;
};

type EventSource<Described, Event extends string> = {
  [Name in keyof Described]: Described[Name] extends Readonly<Record<Event, (source: infer Source) => unknown>>
    ? Source
    : never;
}[keyof Described];

/**
 * A table of the run log, and all that follows from the description of its columns: rows, what comes back from the
 * database, and records. Types are derived from the description, so the code below may build objects by name.
 */
export class LogTable<Described extends Columns> {
  readonly columns: Described;
  /** Of the columns that the program writes. */
  readonly names: readonly (keyof Row<Described> & string)[];
  readonly #initial: Readonly<Record<string, StoredValue>>;
  readonly #ofAttempt: Readonly<Record<string, StoredValue>>;
  readonly #fields: readonly (readonly [name: string, field: string, parse: Column['parse']])[];
  readonly #events = new Map<string, readonly (readonly [name: string, valueOf: (source: unknown) => StoredValue])[]>();

  constructor(columns: Described) {
    this.columns = columns;
    const own = Object.entries<Column>(columns).filter(([, column]) => column.byDatabase !== true);
    this.names = own.map(([name]) => name) as (keyof Row<Described> & string)[];
    const initial = own.flatMap(([name, { initial: value = null, nullable }]) =>
      value !== null || nullable === true ? [[name, value] as const] : [],
    );
    this.#initial = Object.fromEntries(initial);
    this.#ofAttempt = Object.fromEntries(initial.filter(([name]) => columns[name]?.ofAttempt === true));
    this.#fields = Object.entries<Column>(columns).flatMap(([name, { field, parse }]) =>
      field === undefined ? [] : [[name, field, parse] as const],
    );
  }

  newRow(given: Pick<Row<Described>, Required<Described> & keyof Row<Described>> & Partial<Row<Described>>) {
    // Column by column, so that all rows have one hidden class: spread objects get one each, of a kilobyte.
    const row: Record<string, unknown> = {};
    const values: Readonly<Record<string, unknown>> = given;
    for (const name of this.names) row[name] = Object.hasOwn(values, name) ? values[name] : this.#initial[name];
    return row as Row<Described>;
  }

  /** The columns of one attempt, as they are before it. */
  newAttempt(): Partial<Row<Described>> {
    return this.#ofAttempt as Partial<Row<Described>>;
  }

  /** What an event of the run says of the columns that it fills. */
  valuesOf<Event extends string>(event: Event, source: EventSource<Described, Event>): EventValues<Described, Event> {
    const values: Record<string, StoredValue> = {};
    for (const [name, valueOf] of this.#filledBy(event)) values[name] = valueOf(source);
    return values as EventValues<Described, Event>;
  }

  /**
   * A row that was read: drivers give 64-bit numbers as text, SQLite and JSON give times as text, and what an earlier
   * version has written may lack a column. What is not of the table, such as a view's `status`, stays as it is.
   */
  restore<Raw extends object>(raw: Raw): StoredRow<Described> & Omit<Raw, keyof Described> {
    const restored: Record<string, unknown> = { ...this.#initial };
    for (const [name, value] of Object.entries(raw)) restored[name] = restoredValue(this.columns[name]?.type, value);
    return restored as StoredRow<Described> & Omit<Raw, keyof Described>;
  }

  /** The columns that the program writes, without what a view or the database has added. */
  ownRow(row: Row<Described>): Row<Described> {
    const own: Record<string, unknown> = {};
    for (const name of this.names) own[name] = row[name];
    return own as Row<Described>;
  }

  record(row: StoredRow<Described>): RecordOf<Described> {
    const fields = this.#fields.map(([name, field, parse]) => {
      const stored: unknown = row[name as keyof Described];
      return [field, parse === undefined ? (stored ?? undefined) : parse(stored as never)];
    });
    return Object.fromEntries(fields) as RecordOf<Described>;
  }

  #filledBy(event: string) {
    const known = this.#events.get(event);
    if (known !== undefined) return known;
    const filled = Object.entries(this.columns).flatMap(([name, column]) => {
      // Besides those of `Column`, a column's properties are its events.
      const events: object = column;
      const valueOf = (events as Readonly<Record<string, ((source: unknown) => StoredValue) | undefined>>)[event];
      return valueOf === undefined ? [] : [[name, valueOf] as const];
    });
    this.#events.set(event, filled);
    return filled;
  }
}

function restoredValue(type: keyof ColumnTypes | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (type === 'integer' || type === 'bigint') return Number(value);
  if (type !== 'time') return value;
  // SQLite's text of a time is UTC and names no zone.
  return new Date(value.endsWith('Z') ? value : `${value.replace(' ', 'T')}Z`);
}

/** Reads a column of JSON that this program has written. @param absent what NULL stands for; undefined by default */
export function json<Content>(absent?: Content): (text: string | null) => Content {
  // The content is of the type that the column's own events write.
  return (text) => (text === null ? absent : JSON.parse(text)) as Content;
}
