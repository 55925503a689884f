import { z } from 'zod';

import type { EntryFields, FieldSpecs } from './entry-kind.js';

/** Reports that a field, or its relation to others, is wrong; the message continues after the field's name. */
export type Report = (field: string, message: string) => void;

/** The given fields. An invalid one may hold any value. */
export type GivenFields = Readonly<Record<string, unknown>>;

type Shape<Specs extends FieldSpecs> = { readonly [Name in keyof Specs]: Specs[Name]['schema'] };

/** Values of valid fields. */
export type FieldValues<Specs extends FieldSpecs> = z.output<z.ZodObject<Shape<Specs>, z.core.$strict>>;

export interface EntryDefinition<Specs extends FieldSpecs, Info> extends Partial<
  Omit<EntryFields<Info>, 'fields' | 'schema'>
> {
  readonly fields: Specs;
  /** Rules between fields. Runs even if single fields are invalid, so that all problems are found at once. */
  readonly check?: (fields: GivenFields, report: Report) => void;
  /** Builds the entry's settings from valid fields. */
  readonly build: (fields: FieldValues<Specs>) => Info;
}

/** The only fields of one kind of entry, and the rules between them. */
export function entryFields<Specs extends FieldSpecs, Info>(
  definition: EntryDefinition<Specs, Info>,
): EntryFields<Info> {
  const { fields, check = () => undefined, build, ...rest } = definition;
  const pairs = Object.entries(fields).map(([name, { schema }]) => [name, schema] as const);
  // The same names, each with its own schema.
  const shape = Object.fromEntries(pairs) as Shape<Specs>;
  const schema = z
    .strictObject(shape)
    .superRefine(
      (found, context) => check(found, (name, message) => context.addIssue({ code: 'custom', path: [name], message })),
      { when: () => true },
    )
    .transform(build);
  return { standIns: [], prefixes: [], environment: [], prepare: () => undefined, ...rest, fields, schema };
}

/** The names of fields that were given. */
export function given(fields: GivenFields, names: readonly string[]): string[] {
  return names.filter((name) => fields[name] !== undefined);
}

/** Names in backticks, for messages. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
