import type { Node } from 'jsonc-parser';

import { didYouMean } from '../text/did-you-mean.js';
import { propertiesOf, type JsonDocument } from './json-document.js';
import { interpolate, type Interpolated } from './interpolation.js';
import type { Redactor } from './redaction.js';
import { fieldName, isSecretField, knownFieldNames, type EntryType } from './schema/field-names.js';

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
export interface EntryReader {
  readonly document: JsonDocument;
  readonly environment: NodeJS.ProcessEnv;
  readonly redactor: Redactor;
  problem(line: number, message: string): void;
  /** A reference leads to nothing here and now, which matters where the entry is used. */
  missing(line: number, message: string): void;
  warning(line: number, message: string): void;
}

/** The fields of `info` by their own names, with references replaced; tells of unknown and repeated ones. */
export function readFields(type: EntryType, info: Node, reader: EntryReader): Map<string, Field> {
  const fields = new Map<string, Field>();
  for (const { key, line, node } of propertiesOf(info, reader.document)) {
    const name = fieldName(type, key);
    if (name === undefined) {
      reader.problem(line, unknownField(key, knownFieldNames(type)));
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
    registerSecrets(name, resolution.value, reader.redactor);
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

/** A JSON node as a value, with the references in all its strings replaced. */
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

/** Tells the redactor what it must hide, and what it need not. */
export function registerSecrets(name: string, value: unknown, redactor: Redactor): void {
  if (isSecretField(name)) {
    for (const secret of stringsIn(value)) redactor.add(secret);
  } else if (typeof value === 'string' && !redactor.addInner(value)) {
    redactor.addPublic(value);
  }
}

/** Strings of a secret; of a service account's key only those that are secret by themselves. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') {
    const key = value.trimStart().startsWith('{') ? parsed(value) : undefined;
    return [value, ...(key === undefined ? [] : stringsIn(key))];
  }
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  const { private_key: privateKey, private_key_id: keyId }: { private_key?: unknown; private_key_id?: unknown } = value;
  return [privateKey, keyId].filter((secret) => typeof secret === 'string');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
