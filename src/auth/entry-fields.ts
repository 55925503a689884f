import { z } from 'zod';

import type { EntryFields, FieldSpecs } from './entry-kind.js';

/** Tells that a field, or its relation to others, is wrong; the message goes on after the field's name. */
export type Report = (field: string, message: string) => void;

/** Fields that were given. One that is wrong by itself may still hold anything. */
export type GivenFields = Readonly<Record<string, unknown>>;

type Shape<Specs extends FieldSpecs> = { readonly [Name in keyof Specs]: Specs[Name]['schema'] };

/** Values of fields that are all right. */
export type FieldValues<Specs extends FieldSpecs> = z.output<z.ZodObject<Shape<Specs>, z.core.$strict>>;

export interface EntryDefinition<Specs extends FieldSpecs, Info> extends Partial<
  Omit<EntryFields<Info>, 'fields' | 'schema'>
> {
  readonly fields: Specs;
  /** Rules between fields. Runs also where single fields are wrong, so that all problems are found at once. */
  readonly check?: (fields: GivenFields, report: Report) => void;
  /** The entry's settings from fields that are all right. */
  readonly build: (fields: FieldValues<Specs>) => Info;
}

/** The fields of one kind of entry: those, no others, and the rules between them. */
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

/** Those of the names that were given. */
export function given(fields: GivenFields, names: readonly string[]): string[] {
  return names.filter((name) => fields[name] !== undefined);
}

/** Names in backticks, for messages. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
