import type { z } from 'zod';

/**
 * What an engine or a store says of itself to the auth file. All of it is at hand at once except for the fields, which
 * are loaded when an entry of the kind is read.
 */
export interface EntryKind<Info = unknown> {
  /** As entries, plans and the run log call it: `postgres`, `s3`. */
  readonly name: string;
  /** Values of `ds_type` or `storage_type` that mean this kind, with the fields that they stand for. */
  readonly types: Readonly<Record<string, ImpliedFields>>;
  /** Ending of further values that mean this kind. */
  readonly typeSuffix?: string;
  /** The only `auth_mode` there is; undefined where the fields alone tell how to log in, and any mode will do. */
  readonly authMode?: string;
  /** Environment variables from which its driver takes secrets without being told to. */
  readonly secretVariables?: readonly string[];
  fields(): Promise<EntryFields<Info>>;
  /** Where the entry leads to, from its own fields; for people, without secrets. */
  address(info: Info): string;
}

export type ImpliedFields = Readonly<Record<string, boolean>>;

/** The kinds of entries that an auth file may hold. */
export interface EntryKinds {
  readonly databases: readonly EntryKind[];
  readonly storages: readonly EntryKind[];
  /** Databases that configurations may name already. Their entries are left alone until they are asked for. */
  readonly laterDatabases: readonly string[];
}

/** One field of an entry's `info`: all that there is to say of it. */
export interface FieldSpec {
  readonly schema: z.ZodType;
  /** Its names in other tools' configurations. */
  readonly synonyms?: readonly string[];
  /** Its value must never be shown; where only parts of it are secret, a function tells which. */
  readonly secret?: boolean | ((value: unknown) => readonly string[]);
  /** Environment variables that it comes from where the entry leaves it out; the first that is set counts. */
  readonly environment?: readonly string[];
}

export type FieldSpecs = Readonly<Record<string, FieldSpec>>;

/** A field of an entry's `info`, under its own name. */
export interface Field {
  /** As the file spells it. */
  readonly given: string;
  readonly line: number;
  readonly value: unknown;
  /** False where a reference in it could not be replaced; then `value` means nothing. */
  readonly resolved: boolean;
}

/** Where the reading of an entry leaves what it finds. Messages name fields, and never hold values. */
export interface FieldNotes {
  problem(line: number, message: string): void;
  warning(line: number, message: string): void;
}

/** Fields whose places in the environment belong together. */
export interface EnvironmentGroup {
  readonly fields: readonly string[];
  /** Only the first field that the environment has is taken. */
  readonly exclusive?: boolean;
  /** The environment is asked for none of the group where the entry has one of its fields, or one of these. */
  readonly unless?: readonly string[];
  /** False where what the environment has is meant for something else than the entry. */
  readonly belongs?: (given: ReadonlyMap<string, Field>, environment: NodeJS.ProcessEnv) => boolean;
}

/** The fields of one kind of entry. */
export interface EntryFields<Info = unknown> {
  /** By their own names. */
  readonly fields: FieldSpecs;
  /** Own names of fields that `prepare` replaces by others. */
  readonly standIns: readonly string[];
  /** May stand in front of any field's name. */
  readonly prefixes: readonly string[];
  /** Fields in none of them are asked for one by one. */
  readonly environment: readonly EnvironmentGroup[];
  /** Replaces what stands for other fields, before the environment and the schema have their turn. */
  readonly prepare: (fields: Map<string, Field>, notes: FieldNotes) => void;
  /** Of `info`, under the fields' own names. */
  readonly schema: z.ZodType<Info>;
}
