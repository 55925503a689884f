import type { EntryFields, EnvironmentGroup, Field } from './entry-kind.js';
import { type EntryReader, registerSecrets } from './field-set.js';

/**
 * Adds what the environment says to the fields of an entry, by the names that other tools have made usual: LanceDB's
 * storage options, the command lines of the clouds. What a driver looks for itself is not among a field's variables.
 * Messages about such a field name the variable.
 */
export function addEnvironmentFields(options: {
  readonly of: EntryFields;
  readonly fields: Map<string, Field>;
  /** Of the entry. */
  readonly line: number;
  readonly reader: EntryReader;
}): void {
  const { of, fields, line, reader } = options;
  const { environment } = reader;
  const given = new Map(fields);
  for (const { fields: names, unless = [], exclusive = false, belongs } of groups(of)) {
    if ([...names, ...unless].some((name) => given.has(name)) || belongs?.(given, environment) === false) continue;
    for (const name of names) {
      const spec = of.fields[name];
      const variable = spec?.environment?.find((one) => (environment[one] ?? '') !== '');
      if (variable === undefined) continue;
      const value = environment[variable];
      fields.set(name, { given: variable, line, value, resolved: true });
      registerSecrets(spec, value, reader.redactor);
      if (exclusive) break;
    }
  }
}

/** The groups of the kind, and each other field as one of its own. */
function groups({ fields, environment }: EntryFields): EnvironmentGroup[] {
  const grouped = new Set(environment.flatMap((group) => group.fields));
  const others = Object.keys(fields).filter((name) => !grouped.has(name));
  return [...environment, ...others.map((name) => ({ fields: [name] }))];
}
