import type { EntryFields, EnvironmentGroup, Field } from './entry-kind.js';
import { type EntryReader, registerSecrets } from './field-set.js';

/**
 * Adds fields from environment variables to an entry, under the names that other tools have established: LanceDB's
 * storage options, the clouds' command lines. Variables that a driver reads itself are not among them. Messages about
 * such a field name the variable.
 */
export function addEnvironmentFields(options: {
  readonly of: EntryFields;
  readonly fields: Map<string, Field>;
  /** Line of the entry. */
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

/** The groups of the kind, and a group for each remaining field. */
function groups({ fields, environment }: EntryFields): EnvironmentGroup[] {
  const grouped = new Set(environment.flatMap((group) => group.fields));
  const others = Object.keys(fields).filter((name) => !grouped.has(name));
  return [...environment, ...others.map((name) => ({ fields: [name] }))];
}
