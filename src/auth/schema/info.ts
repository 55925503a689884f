import { z } from 'zod';

/** Tells that a field, or its relation to others, is wrong; the message goes on after the field's name. */
export type Report = (field: string, message: string) => void;

/** Fields that were given. One that is wrong by itself may still hold anything. */
export type GivenFields = Readonly<Record<string, unknown>>;

export interface InfoRules<Fields, Info> {
  /** Rules between fields. Runs also where single fields are wrong, so that all problems are found at once. */
  readonly check: (fields: GivenFields, report: Report) => void;
  /** The entry's settings from fields that are all right. */
  readonly build: (fields: Fields) => Info;
}

/** Schema of one kind's `info`: its fields, no others, and the rules between them. */
export function infoSchema<Shape extends z.ZodRawShape, Info>(
  shape: Shape,
  rules: InfoRules<z.output<z.ZodObject<Shape, z.core.$strict>>, Info>,
) {
  return z
    .strictObject(shape)
    .superRefine(
      (fields, context) =>
        rules.check(fields, (name, message) => context.addIssue({ code: 'custom', path: [name], message })),
      { when: () => true },
    )
    .transform(rules.build);
}

/** Those of the names that were given. */
export function given(fields: GivenFields, names: readonly string[]): string[] {
  return names.filter((name) => fields[name] !== undefined);
}

/** Names in backticks, for messages. */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
