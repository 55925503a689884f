import type { Node } from 'jsonc-parser';

import type { AuthEntry } from './entries.js';
import { propertiesOf, type JsonProperty } from './json-document.js';
import { addEnvironmentFields } from './environment-fields.js';
import { readFields, unknownField, type EntryReader, type Field } from './field-set.js';
import { didYouMean } from '../text/did-you-mean.js';
import { entrySchema, toEntry } from './schema/entry.js';
import { declaredType, isStorageType, knownTypes, type DeclaredType } from './schema/entry-type.js';
import { fieldName, plainKey, type EntryType } from './schema/field-names.js';
import { schemeOf } from '../runtime/local-path.js';
import { resolveDirectory } from './storage-address.js';

/** An entry of a kind that this version can't use. */
export interface UnavailableEntry {
  readonly id: string;
  readonly unavailable: string;
}

const ENTRY_FIELDS = ['storage_type', 'ds_type', 'auth_mode', 'info'];

/** Modes of `auth_mode` for databases; a storage's own fields tell how it logs in. */
const AUTH_MODES: Readonly<Partial<Record<EntryType, string>>> = {
  postgres: 'classic',
  mssql: 'classic',
  sqlite: 'filesystem',
};

/** Reads one entry. Undefined where it is wrong; then the reader has been told of every problem in it. */
export function readEntry(property: JsonProperty, reader: EntryReader): AuthEntry | UnavailableEntry | undefined {
  const { key: id, node, line } = property;
  if (node.type !== 'object') {
    reader.problem(line, 'the entry must be an object with `ds_type` or `storage_type`, and `info`');
    return undefined;
  }
  const parts = entryParts(node, reader);
  const declared = typeOf(parts, line, reader);
  if (declared === undefined) return undefined;
  if ('unavailable' in declared) return { id, unavailable: declared.unavailable };
  const { type, implied = {} } = declared;
  checkAuthMode(type, parts.get('auth_mode'), reader);
  misplacedFields(type, parts, reader);

  const info = parts.get('info');
  if (info?.node.type !== 'object') {
    reader.problem(info?.line ?? line, info === undefined ? '`info` is missing' : '`info` must be an object');
    return undefined;
  }
  const fields = readFields(type, info.node, reader);
  if (isStorageType(type)) {
    resolveAddress(type, fields, reader);
    for (const [name, value] of Object.entries(implied)) {
      if (!fields.has(name)) fields.set(name, { given: name, line, value, resolved: true });
    }
    addEnvironmentFields({ type, fields, line, reader });
  }
  return validate({ id, type, fields, line: info.line }, reader);
}

/** The entry's own fields; tells of repeated ones. Unknown ones stay in, under the names they were given. */
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
    const type = typeof value === 'string' ? declaredType(field, value) : undefined;
    if (type !== undefined) {
      declared.push(type);
      continue;
    }
    wrong = true;
    const known = knownTypes(field);
    const near = typeof value === 'string' ? didYouMean(value, known) : undefined;
    const suggestion = near === undefined ? '' : `; did you mean ${near}?`;
    const shown =
      typeof value === 'string' ? `unknown \`${field}\` ${JSON.stringify(value)}` : `\`${field}\` must be a string`;
    reader.problem(part.line, `${shown}: the known ones are ${known.join(', ')}${suggestion}`);
  }
  const [first, second] = declared;
  if (first === undefined && !wrong)
    reader.problem(line, '`ds_type` (a database) or `storage_type` (a storage) is missing');
  if (second !== undefined && JSON.stringify(first) !== JSON.stringify(second)) {
    reader.problem(line, '`storage_type` and `ds_type` contradict each other; keep one of them');
  }
  return wrong ? undefined : first;
}

function checkAuthMode(type: EntryType, part: JsonProperty | undefined, reader: EntryReader): void {
  if (part === undefined) return;
  const mode: unknown = part.node.value;
  const expected = AUTH_MODES[type];
  const right = typeof mode === 'string' && (expected === undefined || mode.toLowerCase() === expected);
  if (!right)
    reader.problem(part.line, `\`auth_mode\` must be ${expected === undefined ? 'a string' : `"${expected}"`}`);
}

function misplacedFields(type: EntryType, parts: ReadonlyMap<string, JsonProperty>, reader: EntryReader): void {
  for (const [name, { key, line }] of parts) {
    if (ENTRY_FIELDS.includes(name)) continue;
    const belongsIntoInfo = fieldName(type, key) !== undefined;
    reader.problem(line, belongsIntoInfo ? `\`${key}\` belongs into \`info\`` : unknownField(key, ENTRY_FIELDS));
  }
}

/** Replaces a `directory` URL by the fields that it stands for, and takes the scheme off a bucket's name. */
function resolveAddress(type: EntryType, fields: Map<string, Field>, reader: EntryReader): void {
  takeBucketScheme(fields, reader);
  const directory = fields.get('directory');
  if (directory === undefined || !directory.resolved || typeof directory.value !== 'string') return;
  if (type === 'local' && schemeOf(directory.value) === undefined && !directory.value.startsWith('~')) return;
  fields.delete('directory');
  const address = resolveDirectory(type, directory.value);
  if ('problem' in address) {
    reader.problem(directory.line, `\`${directory.given}\` ${address.problem}`);
    // The fields that it would have stood for are not missing.
    for (const name of ['bucket', 'container', 'account_name', 'directory']) {
      if (fieldName(type, name) === name) fields.set(name, { ...directory, resolved: false });
    }
    return;
  }
  for (const [name, value] of Object.entries(address.fields)) {
    if (value === undefined) continue;
    const other = fields.get(name);
    if (other === undefined) fields.set(name, { ...directory, value });
    else if (other.value !== value && value !== '') {
      const message = `\`${directory.given}\` stands for \`${other.given}\` too, which says otherwise in line ${other.line}`;
      reader.problem(directory.line, message);
    }
  }
}

function takeBucketScheme(fields: Map<string, Field>, reader: EntryReader): void {
  const bucket = fields.get('bucket');
  if (bucket === undefined || typeof bucket.value !== 'string') return;
  const [, scheme, name, path] = /^(s3a?|gs):\/\/([^/]*)\/*(.*)$/i.exec(bucket.value) ?? [];
  if (scheme === undefined || name === undefined) return;
  reader.warning(
    bucket.line,
    `\`${bucket.given}\` is taken without ${scheme.toLowerCase()}:// in front: the name alone is meant`,
  );
  fields.set('bucket', { ...bucket, value: name });
  if (path === undefined || path === '') return;
  if (fields.has('base_path'))
    reader.problem(bucket.line, `\`${bucket.given}\` holds a path, and \`base_path\` is given too`);
  else fields.set('base_path', { ...bucket, value: path });
}

interface ReadInfo {
  readonly id: string;
  readonly type: EntryType;
  readonly fields: ReadonlyMap<string, Field>;
  readonly line: number;
}

function validate(entry: ReadInfo, reader: EntryReader): AuthEntry | undefined {
  const { id, type, fields } = entry;
  const info = Object.fromEntries([...fields].map(([name, { value }]) => [name, value]));
  const result = entrySchema.safeParse({ id, type, info });
  if (result.success) return toEntry(result.data);
  const told = new Set<string>();
  for (const issue of result.error.issues) {
    const name = String(issue.path[1] ?? '');
    const field = fields.get(name);
    // What else is wrong with a field follows from the first thing.
    if (field?.resolved === false || told.has(name)) continue;
    told.add(name);
    reader.problem(field?.line ?? entry.line, `\`${field?.given ?? name}\` ${issue.message}`);
  }
  return undefined;
}
