import type { z } from 'zod';

/**
 * What an engine or a store declares for its entries in the auth file. Only the fields are loaded lazily, when an entry
 * of the kind is read.
 */
export interface EntryKind<Info = unknown> {
  /** Name in entries, plans and the run log: `postgres`, `s3`. */
  readonly name: string;
  /** Values of `ds_type` or `storage_type` that mean this kind, with the fields they imply. */
  readonly types: Readonly<Record<string, ImpliedFields>>;
  /** Suffix of other values that mean this kind. */
  readonly typeSuffix?: string;
  /** The only valid `auth_mode`; undefined if the fields alone decide how to log in, and any mode is accepted. */
  readonly authMode?: string;
  /** Environment variables that its driver reads secrets from on its own. */
  readonly secretVariables?: readonly string[];
  fields(): Promise<EntryFields<Info>>;
  /** Where the entry points, human-readable, without secrets. */
  address(info: Info): string;
}

export type ImpliedFields = Readonly<Record<string, boolean>>;

/** The kinds of entries that an auth file may hold. */
export interface EntryKinds {
  readonly databases: readonly EntryKind[];
  readonly storages: readonly EntryKind[];
  /** Databases that are not available yet. Their entries are an error only if they are used. */
  readonly laterDatabases: readonly string[];
}

/** Definition of one field of an entry's `info`. */
export interface FieldSpec {
  readonly schema: z.ZodType;
  /** Its names in other tools' configurations. */
  readonly synonyms?: readonly string[];
  /** Its value must never be shown; if only parts are secret, a function returns them. */
  readonly secret?: boolean | ((value: unknown) => readonly string[]);
  /** Environment variables to use if the entry omits it; the first one set wins. */
  readonly environment?: readonly string[];
}

export type FieldSpecs = Readonly<Record<string, FieldSpec>>;

/** A field of an entry's `info`, under its own name. */
export interface Field {
  /** Its spelling in the file. */
  readonly given: string;
  readonly line: number;
  readonly value: unknown;
  /** False if a reference in it could not be replaced; `value` is meaningless then. */
  readonly resolved: boolean;
}

/** Collects what is found while reading an entry. Messages name fields, never values. */
export interface FieldNotes {
  problem(line: number, message: string): void;
  warning(line: number, message: string): void;
}

/** Fields whose environment variables belong together. */
export interface EnvironmentGroup {
  readonly fields: readonly string[];
  /** Only the first field that the environment has is used. */
  readonly exclusive?: boolean;
  /** The group is skipped if the entry has one of its fields, or one of these. */
  readonly unless?: readonly string[];
  /** False if the environment's values are not meant for this entry. */
  readonly belongs?: (given: ReadonlyMap<string, Field>, environment: NodeJS.ProcessEnv) => boolean;
}

/** The fields of one kind of entry. */
export interface EntryFields<Info = unknown> {
  /** By their own names. */
  readonly fields: FieldSpecs;
  /** Own names of fields that `prepare` replaces with others. */
  readonly standIns: readonly string[];
  /** Accepted before any field's name. */
  readonly prefixes: readonly string[];
  /** Fields in no group are looked up one by one. */
  readonly environment: readonly EnvironmentGroup[];
  /** Replaces stand-ins with the fields they mean, before the environment and the schema are applied. */
  readonly prepare: (fields: Map<string, Field>, notes: FieldNotes) => void;
  /** Schema of `info`, under the fields' own names. */
  readonly schema: z.ZodType<Info>;
}
