import type { Node } from 'jsonc-parser';

import { didYouMean } from '../text/did-you-mean.js';
import type { AuthEntry } from './entries.js';
import type { EntryFields, EntryKind, Field } from './entry-kind.js';
import { declaredType, isSameType, knownTypes, type DeclaredType } from './entry-types.js';
import { addEnvironmentFields } from './environment-fields.js';
import { fieldName, plainKey } from './field-names.js';
import { readFields, unknownField, type EntryReader } from './field-set.js';
import { propertiesOf, type JsonProperty } from './json-document.js';

/** An entry of a kind that this version can't use. */
export interface UnavailableEntry {
  readonly id: string;
  readonly unavailable: string;
}

const ENTRY_FIELDS = ['storage_type', 'ds_type', 'auth_mode', 'info'];

/** Reads one entry. Returns undefined if it is invalid, after reporting every problem in it. */
export async function readEntry(
  property: JsonProperty,
  reader: EntryReader,
): Promise<AuthEntry | UnavailableEntry | undefined> {
  const { key: id, node, line } = property;
  if (node.type !== 'object') {
    reader.problem(line, 'the entry must be an object with `ds_type` or `storage_type`, and `info`');
    return undefined;
  }
  const parts = entryParts(node, reader);
  const declared = typeOf(parts, line, reader);
  if (declared === undefined) return undefined;
  if ('unavailable' in declared) return { id, unavailable: declared.unavailable };
  const { kind, isStorage, implied } = declared;
  const of = await kind.fields();
  checkAuthMode(kind, parts.get('auth_mode'), reader);
  misplacedFields(of, parts, reader);

  const part = parts.get('info');
  if (part?.node.type !== 'object') {
    reader.problem(part?.line ?? line, part === undefined ? '`info` is missing' : '`info` must be an object');
    return undefined;
  }
  const fields = readFields(of, part.node, reader);
  of.prepare(fields, reader);
  for (const [name, value] of Object.entries(implied)) {
    if (!fields.has(name)) fields.set(name, { given: name, line, value, resolved: true });
  }
  addEnvironmentFields({ of, fields, line, reader });
  const valid = validate({ of, fields, line: part.line }, reader);
  if (valid === undefined) return undefined;
  const { info } = valid;
  return isStorage
    ? { kind: 'storage', id, storageType: kind.name, info }
    : { kind: 'database', id, engine: kind.name, info };
}

/** The entry's own fields; reports repeated ones. Unknown ones are kept under their given names. */
function entryParts(node: Node, reader: EntryReader): Map<string, JsonProperty> {
  const parts = new Map<string, JsonProperty>();
  for (const property of propertiesOf(node, reader.document)) {
    const name = ENTRY_FIELDS.includes(plainKey(property.key)) ? plainKey(property.key) : property.key;
    const earlier = parts.get(name);
    if (earlier === undefined) parts.set(name, property);
    else reader.problem(property.line, `\`${property.key}\` is given twice, in line ${earlier.line} already`);
  }
  return parts;
}

function typeOf(parts: ReadonlyMap<string, JsonProperty>, line: number, reader: EntryReader): DeclaredType | undefined {
  const declared: DeclaredType[] = [];
  let wrong = false;
  for (const field of ['storage_type', 'ds_type'] as const) {
    const part = parts.get(field);
    if (part === undefined) continue;
    const value: unknown = part.node.value;
    const type = typeof value === 'string' ? declaredType(field, value, reader.kinds) : undefined;
    if (type !== undefined) {
      declared.push(type);
      continue;
    }
    wrong = true;
    const known = knownTypes(field, reader.kinds);
    const near = typeof value === 'string' ? didYouMean(value, known) : undefined;
    const suggestion = near === undefined ? '' : `; did you mean ${near}?`;
    const shown =
      typeof value === 'string' ? `unknown \`${field}\` ${JSON.stringify(value)}` : `\`${field}\` must be a string`;
    reader.problem(part.line, `${shown}: the known ones are ${known.join(', ')}${suggestion}`);
  }
  const [first, second] = declared;
  if (first === undefined && !wrong)
    reader.problem(line, '`ds_type` (a database) or `storage_type` (a storage) is missing');
  if (first !== undefined && second !== undefined && !isSameType(first, second)) {
    reader.problem(line, '`storage_type` and `ds_type` contradict each other; keep one of them');
  }
  return wrong ? undefined : first;
}

function checkAuthMode({ authMode }: EntryKind, part: JsonProperty | undefined, reader: EntryReader): void {
  if (part === undefined) return;
  const mode: unknown = part.node.value;
  const right = typeof mode === 'string' && (authMode === undefined || mode.toLowerCase() === authMode);
  if (!right)
    reader.problem(part.line, `\`auth_mode\` must be ${authMode === undefined ? 'a string' : `"${authMode}"`}`);
}

function misplacedFields(of: EntryFields, parts: ReadonlyMap<string, JsonProperty>, reader: EntryReader): void {
  for (const [name, { key, line }] of parts) {
    if (ENTRY_FIELDS.includes(name)) continue;
    const belongsIntoInfo = fieldName(of, key) !== undefined;
    reader.problem(line, belongsIntoInfo ? `\`${key}\` belongs into \`info\`` : unknownField(key, ENTRY_FIELDS));
  }
}

interface FoundFields {
  readonly of: EntryFields;
  readonly fields: ReadonlyMap<string, Field>;
  /** Line of `info`. */
  readonly line: number;
}

function validate({ of, fields, line }: FoundFields, reader: EntryReader): { readonly info: unknown } | undefined {
  const found = Object.fromEntries([...fields].map(([name, { value }]) => [name, value]));
  const result = of.schema.safeParse(found);
  if (result.success) return { info: result.data };
  const told = new Set<string>();
  for (const issue of result.error.issues) {
    const name = String(issue.path[0] ?? '');
    const field = fields.get(name);
    // A field's other issues follow from the first one.
    if (field?.resolved === false || told.has(name)) continue;
    told.add(name);
    reader.problem(field?.line ?? line, `\`${field?.given ?? name}\` ${issue.message}`);
  }
  return undefined;
}
