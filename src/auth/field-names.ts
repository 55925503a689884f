import type { EntryFields } from './entry-kind.js';

/** `awsAccessKeyId` and `AWS_ACCESS_KEY_ID` as `aws_access_key_id`. */
export function plainKey(key: string): string {
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** The field's own name for any of its spellings, or undefined for an unknown field. */
export function fieldName(of: EntryFields, key: string): string | undefined {
  const plain = plainKey(key);
  for (const name of [plain, ...withoutPrefix(of, plain)]) {
    if (Object.hasOwn(of.fields, name) || of.standIns.includes(name)) return name;
    for (const [own, { synonyms = [] }] of Object.entries(of.fields)) if (synonyms.includes(name)) return own;
  }
  return undefined;
}

function withoutPrefix({ prefixes }: EntryFields, key: string): string[] {
  return prefixes.filter((prefix) => key.startsWith(prefix)).map((prefix) => key.slice(prefix.length));
}

/** Every spelling without prefixes, for suggestions. */
export function knownFieldNames({ fields, standIns }: EntryFields): string[] {
  const synonyms = Object.values(fields).flatMap((field) => field.synonyms ?? []);
  return [...Object.keys(fields), ...standIns, ...synonyms];
}
