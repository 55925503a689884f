import type { Node } from 'jsonc-parser';

import { didYouMean } from '../text/did-you-mean.js';
import { propertiesOf, type JsonDocument } from './json-document.js';
import { interpolate, type Interpolated } from './interpolation.js';
import type { Redactor } from './redaction.js';
import type { EntryFields, EntryKinds, Field, FieldNotes, FieldSpec } from './entry-kind.js';
import { fieldName, knownFieldNames } from './field-names.js';

/** What is needed to read an entry, and the collector of what is found. */
export interface EntryReader extends FieldNotes {
  readonly kinds: EntryKinds;
  readonly document: JsonDocument;
  readonly environment: NodeJS.ProcessEnv;
  readonly redactor: Redactor;
  /** Reports a reference to something that does not exist: an error only if the entry is used. */
  missing(line: number, message: string): void;
}

/** The fields of `info` by their own names, with references replaced; reports unknown and repeated ones. */
export function readFields(of: EntryFields, info: Node, reader: EntryReader): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const { key, line, node } of propertiesOf(info, reader.document)) {
    const name = fieldName(of, key);
    if (name === undefined) {
      reader.problem(line, unknownField(key, knownFieldNames(of)));
      continue;
    }
    const earlier = fields.get(name);
    if (earlier !== undefined) {
      reader.problem(line, repeatedField(key, earlier));
      continue;
    }
    const resolution = resolve(node, reader);
    for (const { problem, isMissing } of resolution.problems) {
      const message = `\`${key}\` ${problem}`;
      if (isMissing) reader.missing(line, message);
      else reader.problem(line, message);
    }
    fields.set(name, { given: key, line, value: resolution.value, resolved: resolution.problems.length === 0 });
    registerSecrets(of.fields[name], resolution.value, reader.redactor);
  }
  return fields;
}

export function unknownField(key: string, known: readonly string[]): string {
  const near = didYouMean(key, known);
  const suggestion = near === undefined ? '' : `; did you mean \`${near}\`?`;
  return `unknown field \`${key}\`${suggestion}`;
}

function repeatedField(key: string, earlier: Field): string {
  return key === earlier.given
    ? `\`${key}\` is given twice, in line ${earlier.line} already`
    : `\`${key}\` means the same as \`${earlier.given}\` in line ${earlier.line}; keep one of them`;
}

type Unresolved = Exclude<Interpolated, { readonly value: string }>;

/** The value of a JSON node, with references in all strings replaced. */
function resolve(node: Node, reader: EntryReader): { readonly value: unknown; readonly problems: Unresolved[] } {
  const problems: Unresolved[] = [];
  const visit = (current: Node): unknown => {
    if (current.type === 'array') return (current.children ?? []).map(visit);
    if (current.type === 'object') {
      return Object.fromEntries(propertiesOf(current, reader.document).map(({ key, node }) => [key, visit(node)]));
    }
    if (typeof current.value !== 'string') return current.value;
    const interpolated = interpolate(current.value, reader.environment);
    if ('value' in interpolated) return interpolated.value;
    problems.push(interpolated);
    return '';
  };
  return { value: visit(node), problems };
}

/** Tells the redactor what to hide, and what is public. */
export function registerSecrets(spec: FieldSpec | undefined, value: unknown, redactor: Redactor): void {
  const { secret = false } = spec ?? {};
  if (secret !== false) {
    for (const one of secret === true ? scalar(value) : secret(value)) redactor.add(one);
  } else if (typeof value === 'string' && !redactor.addInner(value)) {
    redactor.addPublic(value);
  }
}

/** A secret written as a number is still a secret. */
function scalar(value: unknown): string[] {
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}
